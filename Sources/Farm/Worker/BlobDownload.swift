/// A blob on its way from the coordinator, in chunks, each asked for when the one before has come.
///
///     var download = BlobDownload(id)
///     send(download.request)            // again whenever no answer comes
///     switch download.take(reply) { … } // until `.complete`; then check the hash
package struct BlobDownload: Hashable, Sendable {
    /// What to do after a reply.
    package enum Next: Hashable, Sendable {
        /// Send `request`.
        case ask
        /// The reply was for something else, or comes twice.
        case ignore
        /// All bytes are here; their hash is still to be checked.
        case complete
        /// It will not come.
        case refused(BlobRefusal)
    }

    /// The blob.
    package let id: BlobID
    /// What came so far, from the beginning.
    package private(set) var bytes: [UInt8] = []
    /// Bytes in all; nil until the first reply.
    package private(set) var total: Int?

    /// Begins with nothing.
    package init(_ id: BlobID) {
        self.id = id
    }

    /// What to ask next.
    package var request: BlobRequest {
        .read(id, offset: bytes.count, length: Limits.chunkBytes)
    }

    /// Takes one reply.
    package mutating func take(_ reply: BlobReply) -> Next {
        switch reply {
        case .refused(id, let refusal): return .refused(refusal)
        case .bytes(id, let offset, let total, let chunk):
            guard offset == bytes.count else { return .ignore }
            guard total <= Limits.blobBytes, total == self.total ?? total, bytes.count + chunk.count <= total
            else {
                return .refused(.badSize)
            }
            self.total = total
            bytes += chunk
            if bytes.count == total { return .complete }
            return chunk.isEmpty ? .refused(.badSize) : .ask
        case .bytes, .refused, .want, .stored: return .ignore
        }
    }
}
