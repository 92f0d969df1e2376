import Crypto
import TensorEngine

/// A model's identity: the SHA-256 of the lines `sha256sum` prints for its files, in the order of their
/// paths. Anyone can compute it: `sha256sum FILES | sha256sum`.
enum ModelHash {
    /// Files of fewer bytes are hashed sooner than looked up.
    private static let cachedBytes = 1 << 20

    /// 64 hexadecimal digits; `files` are paths below `folder`, sorted.
    static func hexadecimal(
        folder: String, files: [String], cache: DigestCache
    ) throws(ModelError) -> String {
        var (cache, isNew) = (cache, false)
        var all = SHA256()
        for file in files {
            let path = joined(folder, file)
            let identity = DigestCache.Identity(path: path)
            var digest = identity.flatMap { cache[$0] }
            if digest == nil {
                let (contents, count) = try contents(of: path)
                digest = contents
                // Unchanged since before it was read.
                if let identity, count >= cachedBytes, DigestCache.Identity(path: path) == identity {
                    cache.insert(contents, for: identity)
                    isNew = true
                }
            }
            all.update(data: Array("\(digest ?? "")  \(file)\n".utf8))
        }
        if isNew { cache.save() }
        return hexadecimal(all.finalize())
    }

    private static func contents(of path: String) throws(ModelError) -> (digest: String, count: Int) {
        do {
            let file = try MappedFile(path: path)
            let digest = try file.withBytes { bytes in
                var hash = SHA256()
                hash.update(bufferPointer: bytes)
                return hash.finalize()
            }
            return (hexadecimal(digest), file.count)
        } catch {
            throw .unreadable(error)
        }
    }

    private static func hexadecimal(_ digest: SHA256.Digest) -> String {
        let digits = Array("0123456789abcdef")
        return String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
