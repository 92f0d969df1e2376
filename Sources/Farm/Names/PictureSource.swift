/// What a picture is drawn from: the first 128 bits of the SHA-256 of its seed (8 bytes, least first) and its
/// prompt's UTF-8. Equal sources are taken for equal seeds and prompts.
package struct PictureSource: Hashable, Sendable {
    private var high: UInt64
    private var low: UInt64

    /// The source whose seed and prompt have this digest.
    package init(_ digest: Digest) {
        (high, low) = digest.withBytes { bytes in
            (
                bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
                bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            )
        }
    }

    /// Its last eight bits, as good as drawn at random.
    var lowByte: UInt8 { UInt8(truncatingIfNeeded: low) }
}

/// A picture to make, as the shell hands it to the machine, which hashes nothing itself.
package struct SubmittedImage: Hashable, Sendable {
    /// Prompt, seed, options.
    package var request: ImageRequest
    /// What stands for the request's prompt and seed.
    package var source: PictureSource

    /// A picture of `request`, whose prompt and seed have this source.
    package init(request: ImageRequest, source: PictureSource) {
        self.request = request
        self.source = source
    }
}
