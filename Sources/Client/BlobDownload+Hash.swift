internal import Crypto
internal import Farm

extension BlobDownload {
    /// Whether the bytes that came are those that the name promises.
    var hasRightBytes: Bool { BlobID(hashing: bytes) == id }
}

extension BlobID {
    /// The name of these bytes.
    init?(hashing bytes: [UInt8]) {
        guard let digest = Digest(bytes: SHA256.hash(data: bytes)) else { return nil }
        self.init(digest)
    }
}
