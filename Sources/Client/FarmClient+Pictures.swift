package import Farm

/// What came of asking for a picture.
package enum PictureAnswer: Hashable, Sendable {
    /// The PNG's bytes, which have the hash that the coordinator committed.
    case png([UInt8])
    /// It is lost or damaged where the coordinator keeps it; the reason fits into the middle of a sentence.
    case missing(reason: String)
}

extension FarmClient {
    /// Downloads a picture and checks its hash.
    ///
    /// - Throws: `ClientError`.
    package func picture(_ id: BlobID) throws(ClientError) -> PictureAnswer {
        switch try blob(id, patience: patienceMilliseconds) {
        case .bytes(let bytes): .png(bytes)
        case .refused(let refusal): .missing(reason: refusal.reason)
        }
    }
}

extension BlobRefusal {
    /// In the middle of a sentence.
    fileprivate var reason: String {
        switch self {
        case .notFound: "the coordinator does not have it"
        case .badSize: "its size is wrong"
        case .outOfOrder: "its bytes came in the wrong order"
        case .wrongHash: "its bytes do not match their hash"
        case .diskFull: "the coordinator's disk is full"
        case .failed: "the coordinator could not read it"
        case .busy: "the coordinator is busy"
        }
    }
}
