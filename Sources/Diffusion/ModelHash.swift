import Crypto
import TensorEngine

/// A model's identity: the SHA-256 of the lines `sha256sum` prints for its files, in the order of their
/// paths. Anyone can compute it: `sha256sum FILES | sha256sum`.
enum ModelHash {
    /// 64 hexadecimal digits; `files` are paths below `folder`, sorted.
    static func hexadecimal(folder: String, files: [String]) throws(ModelError) -> String {
        var all = SHA256()
        for file in files {
            let digest = try contents(of: joined(folder, file))
            all.update(data: Array("\(digest)  \(file)\n".utf8))
        }
        return hexadecimal(all.finalize())
    }

    private static func contents(of path: String) throws(ModelError) -> String {
        do {
            let file = try MappedFile(path: path)
            let digest = try file.withBytes { bytes in
                var hash = SHA256()
                hash.update(bufferPointer: bytes)
                return hash.finalize()
            }
            return hexadecimal(digest)
        } catch {
            throw .unreadable(error)
        }
    }

    private static func hexadecimal(_ digest: SHA256.Digest) -> String {
        let digits = Array("0123456789abcdef")
        return String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
