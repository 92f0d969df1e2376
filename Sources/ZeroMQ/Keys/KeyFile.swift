internal import Glibc

/// Small files of lines that only their owner may read.
enum KeyFile {
    /// Most bytes of such a file.
    private static let limit = 4096

    /// Makes a folder, and those above it, that only its owner may enter.
    static func makeFolder(_ path: String) throws(KeyError) {
        if mkdir(path, 0o700) == 0 { return }
        if errno == EEXIST { return try checkPrivate(path) }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw .failed(file: path, reason: KeyError.reason(errno))
        }
        try makeFolder(above: String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 else { throw .failed(file: path, reason: KeyError.reason(errno)) }
    }

    /// The folders above need not be private.
    private static func makeFolder(above path: String) throws(KeyError) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw .failed(file: path, reason: KeyError.reason(errno))
        }
        try makeFolder(above: String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 else { throw .failed(file: path, reason: KeyError.reason(errno)) }
    }

    /// Writes a new file, whole or not at all.
    static func write(_ lines: [String], to path: String) throws(KeyError) {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let partial = "\(path.dropLast(name.utf8.count)).\(name).part"
        unlink(partial)
        let file = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .failed(file: path, reason: KeyError.reason(errno)) }
        defer { close(file) }
        let bytes = Array((lines.joined(separator: "\n") + "\n").utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0,
            rename(partial, path) == 0
        else {
            let code = errno
            unlink(partial)
            throw .failed(file: path, reason: KeyError.reason(code))
        }
    }

    /// The lines of a file that, like its folder, only its owner may read.
    static func read(_ path: String, in folder: String) throws(KeyError) -> [String] {
        try checkPrivate(folder)
        try checkPrivate(path)
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw .failed(file: path, reason: KeyError.reason(errno)) }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = Glibc.read(file, &bytes, limit)
        guard count > 0, count < limit, let text = String(validating: bytes.prefix(count), as: UTF8.self)
        else {
            throw .damaged(file: path)
        }
        return text.split(separator: "\n").map(String.init)
    }

    /// The names in a folder, sorted.
    static func names(in folder: String) throws(KeyError) -> [String] {
        guard let stream = opendir(folder) else {
            throw .failed(file: folder, reason: KeyError.reason(errno))
        }
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

    /// When a folder's names last changed, in nanoseconds; 0 when it cannot be read.
    static func changeTime(of folder: String) -> Int64 {
        var status = stat()
        guard stat(folder, &status) == 0 else { return 0 }
        return Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    }

    private static func checkPrivate(_ path: String) throws(KeyError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw .failed(file: path, reason: KeyError.reason(errno)) }
        guard status.st_mode & 0o077 == 0 else { throw .notPrivate(file: path) }
    }
}
