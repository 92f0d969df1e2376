import Glibc

/// A coordinator's folder: `farm.sqlite`, `blobs/`, `incoming/` and a lock that keeps a second coordinator
/// out.
///
///     let folder = try DataFolder(path: "/var/lib/tessera")
///     let jobs = try JobStore(folder)
///     let blobs = try BlobFolder(folder)
package final class DataFolder: Sendable {
    /// As the user gave it.
    package let path: String
    private let lock: Int32

    /// Makes the folder if need be and locks it.
    /// - Throws: `StoreError.notWritable`, `.locked`, `.diskFull` or `.failed`.
    package init(path: String) throws(StoreError) {
        self.path = path
        try Files.makeFolder(path)
        let name = path + "/lock"
        let file = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .system(path, errno) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            close(file)
            throw .locked(path: path)
        }
        lock = file
    }

    deinit { close(lock) }

    /// The database's file.
    package var database: String { path + "/farm.sqlite" }
    /// The folder of finished blobs.
    package var blobs: String { path + "/blobs" }
    /// The folder of blobs that are being received.
    package var incoming: String { path + "/incoming" }

    /// Tries whether the disk takes `bytes` more.
    /// - Throws: `StoreError.diskFull` when it does not.
    package func probe(bytes: Int = 1 << 20) throws(StoreError) {
        let name = path + "/probe"
        defer { unlink(name) }
        let file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .system(path, errno) }
        defer { close(file) }
        try Files.write([UInt8](repeating: 0xa5, count: bytes), to: file, path: path)
        guard fsync(file) == 0 else { throw .system(path, errno) }
    }
}

/// System calls on files, each failure a `StoreError`.
enum Files {
    /// Makes a folder and those above it.
    static func makeFolder(_ path: String) throws(StoreError) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST {
            guard access(path, W_OK | X_OK) == 0 else { throw .notWritable(path: path, reason: reason()) }
            guard isFolder(path) else { throw .notWritable(path: path, reason: "it is not a folder") }
            return
        }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw errno == ENOSPC ? .diskFull(path: path) : .notWritable(path: path, reason: reason())
        }
        try makeFolder(String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .system(path, errno) }
    }

    private static func reason() -> String { String(cString: strerror(errno)) }

    /// Whether it is a folder, or a link to one.
    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The size of a file in bytes; nil when there is none.
    static func size(_ path: String) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Int(status.st_size)
    }

    /// When a file last changed, in seconds since 1970; nil when there is none.
    static func changeTime(_ path: String) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return status.st_mtim.tv_sec
    }

    /// The names in a folder, sorted.
    static func names(in path: String) throws(StoreError) -> [String] {
        guard let stream = opendir(path) else { throw .system(path, errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Writes all of `bytes`.
    static func write(_ bytes: [UInt8], to file: Int32, path: String) throws(StoreError) {
        var done = 0
        while done < bytes.count {
            let written = bytes[done...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw .system(path, errno) }
            done += written
        }
    }

    /// Makes renames and new names in a folder durable.
    static func syncFolder(_ path: String) throws(StoreError) {
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw .system(path, errno) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw .system(path, errno) }
    }

    /// Up to `length` bytes of a file from `offset`; nil when there is no such file.
    static func read(_ path: String, offset: Int, length: Int) throws(StoreError) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw .system(path, errno)
        }
        defer { close(file) }
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            while count < length {
                let got = pread(file, buffer.baseAddress.map { $0 + count }, length - count, offset + count)
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = errno }
                guard got > 0 else { return }
                count += got
            }
        }
        guard failure == 0 else { throw .system(path, failure) }
        return bytes
    }
}
