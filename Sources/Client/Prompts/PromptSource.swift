internal import Foundation
internal import Glibc

/// An open file that can be read again from its beginning. Standard input, pipes and the like are copied to
/// an unnamed temporary file first.
final class PromptSource: Sendable {
    /// For messages.
    let name: String
    private let descriptor: Int32

    /// - Parameter path: a file's path, or `-` for standard input.
    init(path: String) throws(PromptFileError) {
        name = path == "-" ? "standard input" : path
        let opened = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
        guard opened >= 0 else { throw .notReadable(file: name, reason: PromptSource.lastReason()) }
        var status = stat()
        guard fstat(opened, &status) == 0 else {
            let reason = PromptSource.lastReason()
            close(opened)
            throw .notReadable(file: name, reason: reason)
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG where path != "-":
            descriptor = opened
        case S_IFDIR:
            close(opened)
            throw .notReadable(file: name, reason: "it is a folder")
        default:
            defer { close(opened) }
            descriptor = try PromptSource.spool(opened, name: name)
        }
    }

    deinit {
        close(descriptor)
    }

    /// The next bytes from `offset`; empty only at the end.
    func read(at offset: Int) throws(PromptFileError) -> [UInt8] {
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, used in
            repeat {
                count = pread(descriptor, buffer.baseAddress, buffer.count, offset)
            } while count < 0 && errno == EINTR
            used = max(0, count)
        }
        if count < 0 { throw .notReadable(file: name, reason: PromptSource.lastReason()) }
        return bytes
    }

    private static func spool(_ source: Int32, name: String) throws(PromptFileError) -> Int32 {
        let folder = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        var template = Array("\(folder)/tessera-prompts-XXXXXX".utf8CString)
        let target = mkstemp(&template)
        if target < 0 { throw .notSpooled(reason: lastReason()) }
        _ = fcntl(target, F_SETFD, FD_CLOEXEC)
        unlink(template)
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(source, &buffer, buffer.count)
            if count == 0 { return target }
            if count < 0 && errno == EINTR { continue }
            if count < 0 {
                let reason = lastReason()
                close(target)
                throw .notReadable(file: name, reason: reason)
            }
            var written = 0
            while written < count {
                let step = buffer[written..<count].withUnsafeBytes { write(target, $0.baseAddress, $0.count) }
                if step < 0 && errno == EINTR { continue }
                if step < 0 {
                    let reason = lastReason()
                    close(target)
                    throw .notSpooled(reason: reason)
                }
                written += step
            }
        }
    }

    private static func lastReason() -> String {
        let text = String(cString: strerror(errno))
        return text.prefix(1).lowercased() + text.dropFirst()
    }
}
