/// What a worker or a client asks of the blob socket.
package enum BlobRequest: Hashable, Sendable {
    /// "I have this blob of that many bytes." Answered by `want`, `stored` or `refused`.
    case offer(BlobID, bytes: Int)
    /// Bytes of an offered blob from `offset`. Answered by the next `want`, by `stored` or by `refused`.
    case chunk(BlobID, offset: Int, bytes: [UInt8])
    /// Asks for up to `length` bytes from `offset`. Answered by `bytes` or `refused`.
    case read(BlobID, offset: Int, length: Int)
}

/// What the blob socket answers.
package enum BlobReply: Hashable, Sendable {
    /// "Send me these bytes."
    case want(BlobID, offset: Int, length: Int)
    /// The blob is complete, its hash was checked and it is on disk.
    case stored(BlobID)
    /// Bytes of a blob of `total` bytes, from `offset`. Empty only at the end.
    case bytes(BlobID, offset: Int, total: Int, bytes: [UInt8])
    /// It cannot be done.
    case refused(BlobID, BlobRefusal)
}

/// Why a blob was not taken or given.
package enum BlobRefusal: Hashable, Sendable {
    /// No such blob.
    case notFound
    /// Larger than `Limits.blobBytes`, or empty.
    case badSize
    /// The chunk does not continue what was received, or nothing was offered: offer again.
    case outOfOrder
    /// The bytes do not hash to the name.
    case wrongHash
    /// The coordinator's disk is full: try again later.
    case diskFull
    /// The coordinator could not read or write: try again later.
    case failed
    /// Too many uploads at once: try again later.
    case busy
}
