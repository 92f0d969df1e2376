import Foundation

/// A file that appears whole or not at all.
struct OutputFile {
    let path: String

    /// Fails early where the file could not be written after minutes of rendering.
    ///
    /// - Throws: `UsageError` where something else than a regular file has that name, which renaming would
    ///   replace, or where its folder is missing; `OperationError` where the system forbids it.
    func checkWritable() throws {
        guard !path.isEmpty else { throw UsageError("The file to write has no name; give one.") }
        var status = stat()
        let isThere = stat(path, &status) == 0
        guard !path.hasSuffix("/"), !isThere || status.st_mode & S_IFMT == S_IFREG else {
            throw UsageError(
                "\(path) cannot be written: it is a folder, a device or a pipe. Give the name of a file.")
        }
        let folder = (path as NSString).deletingLastPathComponent
        let place = folder.isEmpty ? "." : folder
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: place, isDirectory: &isFolder), isFolder.boolValue else {
            throw UsageError("\(path) cannot be written: there is no folder \(place). Make it first.")
        }
        guard access(place, W_OK) == 0 else {
            throw OperationError(
                "\(path) cannot be written: \(reason(errno)). Choose another place.")
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
                "\(path) cannot be written: \(reason(code)). Nothing is left behind; free space or choose "
                    + "another place.")
        }
    }

    private func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}
