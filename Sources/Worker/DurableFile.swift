internal import Foundation

/// Files that appear whole or not at all, and stay after a power cut.
enum DurableFile {
    /// Why a file was not written.
    struct Failure: Error {
        /// The system's words.
        let reason: String
    }

    /// Makes a folder and those above it where they are missing.
    static func makeFolder(_ path: String) throws(Failure) {
        if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
        let above = (path as NSString).deletingLastPathComponent
        if errno != ENOENT || above.isEmpty || above == path {
            throw Failure(reason: SystemText.lastReason())
        }
        try makeFolder(above)
        if mkdir(path, 0o755) != 0 && errno != EEXIST { throw Failure(reason: SystemText.lastReason()) }
    }

    /// Writes `parts` one after another to a file beside `path`, makes it durable and gives it its name.
    static func write(_ parts: [[UInt8]], to path: String) throws(Failure) {
        let temporary = path + ".part"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        if file < 0 { throw Failure(reason: SystemText.lastReason()) }
        do throws(Failure) {
            defer { close(file) }
            for part in parts { try write(part, to: file) }
            if fsync(file) != 0 { throw Failure(reason: SystemText.lastReason()) }
        } catch {
            unlink(temporary)
            throw error
        }
        if rename(temporary, path) != 0 {
            let failure = Failure(reason: SystemText.lastReason())
            unlink(temporary)
            throw failure
        }
        let folder = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    private static func write(_ bytes: [UInt8], to file: Int32) throws(Failure) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count < 0 { throw Failure(reason: SystemText.lastReason()) }
            written += count
        }
    }
}

/// The system's words for an error, as they stand in the middle of a sentence.
enum SystemText {
    /// For the last failed system call of this thread.
    static func lastReason() -> String {
        let text = String(cString: strerror(errno))
        return text.prefix(1).lowercased() + text.dropFirst()
    }
}
