/// A blob on its way to the coordinator: offered, then sent in the pieces that the coordinator asks for.
///
///     var upload = BlobUpload(id, bytes: bytes)
///     send(upload.offer)              // again whenever no answer comes: it goes on where it stopped
///     switch upload.take(reply) { … } // until `.stored` or `.refused`
package struct BlobUpload: Hashable, Sendable {
    /// What to do after a reply.
    package enum Next: Hashable, Sendable {
        /// Send this chunk.
        case send(BlobRequest)
        /// The reply was for something else.
        case ignore
        /// The coordinator has it.
        case stored
        /// The coordinator does not take it, now or ever.
        case refused(BlobRefusal)
    }

    /// The blob.
    package let id: BlobID
    private let bytes: [UInt8]

    /// Uploads `bytes`, whose SHA-256 is `id`.
    package init(_ id: BlobID, bytes: [UInt8]) {
        self.id = id
        self.bytes = bytes
    }

    /// The first message, and the one to send when an answer is overdue.
    package var offer: BlobRequest { .offer(id, bytes: bytes.count) }

    /// Takes one reply.
    package func take(_ reply: BlobReply) -> Next {
        switch reply {
        case .want(id, let offset, let length):
            guard (0..<bytes.count).contains(offset), length > 0 else { return .refused(.outOfOrder) }
            let end = offset + min(length, Limits.chunkBytes, bytes.count - offset)
            return .send(.chunk(id, offset: offset, bytes: Array(bytes[offset..<end])))
        case .stored(id): return .stored
        case .refused(id, let refusal): return .refused(refusal)
        case .want, .stored, .refused, .bytes: return .ignore
        }
    }
}
