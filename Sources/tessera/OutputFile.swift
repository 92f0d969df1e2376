import Foundation

/// A file that appears whole or not at all.
struct OutputFile {
    let path: String

    /// Fails early where the file could not be written after minutes of rendering.
    func checkWritable() throws {
        let folder = (path as NSString).deletingLastPathComponent
        let place = folder.isEmpty ? "." : folder
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: place, isDirectory: &isFolder), isFolder.boolValue else {
            throw UsageError("\(path) cannot be written: there is no folder \(place). Make it first.")
        }
        guard access(place, W_OK) == 0 else {
            throw OperationError(
                "\(path) cannot be written: \(reason(errno)). Choose another place with --out.")
        }
    }

    /// Writes `bytes` beside the file and renames it into place.
    func write(_ bytes: [UInt8]) throws {
        let partial = "\(path).\(getpid()).partial"
        guard let file = fopen(partial, "wb") else {
            throw OperationError("\(path) cannot be written: \(reason(errno)).")
        }
        let isWritten =
            fwrite(bytes, 1, bytes.count, file) == bytes.count && fflush(file) == 0
            && fsync(fileno(file)) == 0
        let failure = errno
        fclose(file)
        guard isWritten, rename(partial, path) == 0 else {
            let code = isWritten ? errno : failure
            unlink(partial)
            throw OperationError(
                "\(path) cannot be written: \(reason(code)). Nothing is left behind; free space or use --out."
            )
        }
    }

    private func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}
