internal import Farm
internal import Foundation

/// The folder that a job's pictures go to. Files appear whole or not at all, under names made of numbers
/// only.
package struct PictureFolder: Sendable {
    /// The manifest's name in the folder.
    package static let manifestName = "manifest.jsonl"

    /// The folder's path.
    package let path: String

    /// Makes the folder where it is missing and tries whether it can be written.
    ///
    /// - Throws: `ClientError.folder` or `.diskFull`.
    package init(path: String) throws(ClientError) {
        self.path = path
        do {
            try PictureFolder.make(path)
        } catch {
            throw PictureFolder.failure(error.code, path)
        }
        try write([], to: ".tessera-probe")
        unlink("\(path)/.tessera-probe")
    }

    /// The file of the picture at `index` (from 0): `000001.png` is the first.
    package static func name(ofImage index: Int) -> String {
        let digits = String(index + 1)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits + ".png"
    }

    /// Whether the file is there with exactly these bytes.
    func holds(_ id: BlobID, as name: String) -> Bool {
        guard let data = FileManager.default.contents(atPath: "\(path)/\(name)") else { return false }
        return BlobID(hashing: [UInt8](data)) == id
    }

    /// Writes a file.
    ///
    /// - Throws: `ClientError.folder` or `.diskFull`.
    func write(_ bytes: [UInt8], to name: String) throws(ClientError) {
        var file = try create(name)
        try file.append(bytes)
        try file.finish()
    }

    /// Begins a file that is written piece by piece and gets its name in the end.
    func create(_ name: String) throws(ClientError) -> Pending {
        try Pending(folder: path, name: name)
    }

    /// A file on its way; without `finish` it vanishes.
    struct Pending: ~Copyable {
        private let folder: String
        private let name: String
        private let descriptor: Int32
        private var isNamed = false

        fileprivate init(folder: String, name: String) throws(ClientError) {
            let descriptor = open("\(folder)/.\(name).part", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            if descriptor < 0 { throw PictureFolder.failure(errno, folder) }
            self.folder = folder
            self.name = name
            self.descriptor = descriptor
        }

        /// Adds bytes at the end.
        mutating func append(_ bytes: [UInt8]) throws(ClientError) {
            var written = 0
            while written < bytes.count {
                let count = bytes[written...].withUnsafeBytes {
                    Foundation.write(descriptor, $0.baseAddress, $0.count)
                }
                if count < 0 && errno == EINTR { continue }
                if count < 0 { throw PictureFolder.failure(errno, folder) }
                written += count
            }
        }

        /// Gives the file its name.
        consuming func finish() throws(ClientError) {
            if fsync(descriptor) != 0 { throw PictureFolder.failure(errno, folder) }
            if rename("\(folder)/.\(name).part", "\(folder)/\(name)") != 0 {
                throw PictureFolder.failure(errno, folder)
            }
            isNamed = true
        }

        deinit {
            close(descriptor)
            if !isNamed { unlink("\(folder)/.\(name).part") }
        }
    }

    private struct MakeFailure: Error {
        let code: Int32
    }

    private static func make(_ path: String) throws(MakeFailure) {
        if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
        let above = (path as NSString).deletingLastPathComponent
        if errno != ENOENT || above.isEmpty || above == path { throw MakeFailure(code: errno) }
        try make(above)
        if mkdir(path, 0o755) != 0 && errno != EEXIST { throw MakeFailure(code: errno) }
    }

    static func failure(_ code: Int32, _ path: String) -> ClientError {
        if code == ENOSPC || code == EDQUOT { return .diskFull(path: path) }
        let text = String(cString: strerror(code))
        return .folder(path: path, reason: text.prefix(1).lowercased() + text.dropFirst())
    }
}
