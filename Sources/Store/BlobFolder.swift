import Crypto
package import Farm
import Glibc

/// Blobs as files named by their SHA-256: `blobs/ab/cdef…`. A blob is there wholly or not at all. Files being
/// received lie in `incoming/` and survive a restart, so that an upload goes on where it stopped.
package final class BlobFolder: Sendable {
    private let folder: DataFolder

    /// Opens the folder of blobs, made if need be.
    /// - Throws: `StoreError.notWritable`, `.diskFull` or `.failed`.
    package init(_ folder: DataFolder) throws(StoreError) {
        self.folder = folder
        try Files.makeFolder(folder.blobs)
        try Files.makeFolder(folder.incoming)
        try Files.syncFolder(folder.path)
    }

    /// The blob's size in bytes; nil when it is not there.
    package func size(of blob: BlobID) -> Int? { Files.size(path(of: blob)) }

    /// Up to `length` bytes of a blob from `offset`; nil when it is not there, empty at its end.
    package func read(_ blob: BlobID, offset: Int, length: Int) throws(StoreError) -> [UInt8]? {
        try Files.read(path(of: blob), offset: offset, length: max(0, min(length, Limits.blobBytes)))
    }

    /// How many bytes of an unfinished blob have come.
    package func received(_ blob: BlobID) -> Int { Files.size(incoming(blob)) ?? 0 }

    /// Adds bytes to an unfinished blob.
    /// - Throws: `StoreError.diskFull` and others; what had come of the blob is then gone.
    package func append(_ bytes: [UInt8], to blob: BlobID) throws(StoreError) {
        let name = incoming(blob)
        let file = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .system(name, errno) }
        defer { close(file) }
        do {
            try Files.write(bytes, to: file, path: name)
        } catch {
            unlink(name)
            throw error
        }
    }

    /// Ends an unfinished blob: its bytes are made durable, checked and given their name.
    /// - Returns: false when the bytes do not hash to the name; they are then gone.
    /// - Throws: `StoreError.diskFull` and others.
    package func finish(_ blob: BlobID) throws(StoreError) -> Bool {
        let name = incoming(blob)
        guard try digest(of: name) == blob.digest else {
            unlink(name)
            return false
        }
        let file = open(name, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw .system(name, errno) }
        defer { close(file) }
        guard fsync(file) == 0 else {
            let code = errno
            unlink(name)
            throw .system(name, code)
        }
        let shard = shard(of: blob)
        if Files.size(shard) == nil {
            try Files.makeFolder(shard)
            try Files.syncFolder(folder.blobs)
        }
        guard rename(name, path(of: blob)) == 0 else { throw .system(name, errno) }
        try Files.syncFolder(shard)
        return true
    }

    /// Stores a whole blob.
    /// - Returns: its name.
    /// - Throws: `StoreError.diskFull` and others.
    package func store(_ bytes: [UInt8]) throws(StoreError) -> BlobID {
        let blob = BlobFolder.name(of: bytes)
        if size(of: blob) == nil {
            discard(blob)
            try append(bytes, to: blob)
            _ = try finish(blob)
        }
        return blob
    }

    /// Forgets what has come of the unfinished blobs that nobody continued for so many seconds.
    /// - Returns: how many there were.
    @discardableResult
    package func discardAbandoned(olderThan seconds: Int) throws(StoreError) -> Int {
        let newest = time(nil) - seconds
        return try Files.names(in: folder.incoming).count { name in
            let path = "\(folder.incoming)/\(name)"
            guard let changed = Files.changeTime(path), changed <= newest else { return false }
            return unlink(path) == 0
        }
    }

    /// Forgets what has come of an unfinished blob.
    package func discard(_ blob: BlobID) { unlink(incoming(blob)) }

    /// Removes a blob that nobody needs.
    package func remove(_ blob: BlobID) { unlink(path(of: blob)) }

    /// The name of a blob with these bytes.
    package static func name(of bytes: [UInt8]) -> BlobID {
        BlobID(Farm.Digest(bytes: SHA256.hash(data: bytes)) ?? .zero)
    }

    /// Where a blob lies, or would.
    func file(of blob: BlobID) -> String { path(of: blob) }

    /// Whether a blob that is there has the bytes that its name promises.
    package func hasRightBytes(_ blob: BlobID) throws(StoreError) -> Bool {
        try digest(of: path(of: blob)) == blob.digest
    }

    private func digest(of path: String) throws(StoreError) -> Farm.Digest? {
        var hash = SHA256()
        var offset = 0
        while let bytes = try Files.read(path, offset: offset, length: Limits.chunkBytes), !bytes.isEmpty {
            hash.update(data: bytes)
            offset += bytes.count
        }
        return Farm.Digest(bytes: hash.finalize())
    }

    private func shard(of blob: BlobID) -> String { "\(folder.blobs)/\(blob.hex.prefix(2))" }

    private func path(of blob: BlobID) -> String {
        let hex = blob.hex
        return "\(folder.blobs)/\(hex.prefix(2))/\(hex.dropFirst(2))"
    }
    private func incoming(_ blob: BlobID) -> String { "\(folder.incoming)/\(blob.hex)" }
}
