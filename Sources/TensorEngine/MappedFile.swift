import Glibc

/// A file mapped for reading. The mapping is shared: processes that map the same weights share the memory.
///
/// A mapping of a file that shrinks would stop the process with SIGBUS where the file is gone. So readers
/// first compare the file's length and time of change with those at opening and throw when they differ; only
/// a file cut during the access itself is not caught.
package final class MappedFile: Sendable {
    /// The path as it was given.
    package let path: String
    /// Bytes in the file when it was opened.
    package let count: Int
    private let descriptor: CInt
    private let changed: timespec
    private nonisolated(unsafe) let start: UnsafeMutableRawPointer?

    /// Opens and maps the regular file at `path`.
    package init(path: String) throws(FileError) {
        // Without blocking: a pipe in a file's place would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileError(path: path, code: errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            throw FileError(path: path, code: code)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw FileError(path: path, code: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
        }
        var start: UnsafeMutableRawPointer?
        if status.st_size > 0 {
            start = mmap(nil, Int(status.st_size), PROT_READ, MAP_SHARED, descriptor, 0)
            if start == MAP_FAILED {
                let code = errno
                close(descriptor)
                throw FileError(path: path, code: code)
            }
        }
        self.path = path
        self.descriptor = descriptor
        self.count = Int(status.st_size)
        self.changed = status.st_mtim
        self.start = start
    }

    deinit {
        if let start { munmap(start, count) }
        close(descriptor)
    }

    /// Gives `body` the file's bytes; throws when the file changed since it was opened.
    package func withBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) throws(FileError) -> Value {
        try checkUnchanged()
        return withUncheckedBytes(body)
    }

    /// Throws when the file changed since it was opened.
    package func checkUnchanged() throws(FileError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError(path: path, code: errno) }
        guard Int(status.st_size) == count, status.st_mtim.tv_sec == changed.tv_sec,
            status.st_mtim.tv_nsec == changed.tv_nsec
        else { throw .changed(path: path) }
    }

    /// Gives `body` the file's bytes as they are now; for readers who call `checkUnchanged` themselves.
    func withUncheckedBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        body(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Tells the system that the whole file will be read soon, so that a disk reads ahead.
    package func prefetch() {
        if let start { madvise(start, count, MADV_WILLNEED) }
    }
}

/// A file that could not be read.
package struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The path as it was given.
    package let path: String
    /// The system's error number.
    package let code: CInt

    /// An error that the system reported.
    package init(path: String, code: CInt) {
        self.path = path
        self.code = code
    }

    /// A file of more bytes than are read.
    package static func tooLarge(path: String) -> FileError { FileError(path: path, code: EFBIG) }

    /// A file that is no longer what was opened.
    package static func changed(path: String) -> FileError { FileError(path: path, code: ESTALE) }

    /// What went wrong, without the file's name.
    package var reason: String {
        switch code {
        case ENOENT: "the file does not exist"
        case EISDIR: "it is a folder, not a file"
        case EINVAL: "it is not a regular file"
        case ESTALE: "the file changed while it was in use; start again once it is complete"
        case EFBIG: "the file is too large"
        default: String(cString: strerror(code))
        }
    }

    /// A sentence for the user.
    package var description: String { "\(path) cannot be read: \(reason)." }
}
