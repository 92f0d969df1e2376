import Farm

/// The engine's stand-in: bytes that depend on all that a stage depends on and on nothing else.
enum Content {
    /// Stands for SHA-256: the farm never looks into a digest.
    static func digest(of bytes: some Collection<UInt8>) -> Digest {
        var lanes: [UInt64] = [1, 2, 3, 4].map { Dice.mix($0 &+ UInt64(bytes.count) << 8) }
        var place = 0
        for byte in bytes {
            lanes[place] = (lanes[place] ^ UInt64(byte)) &* 0x100_0000_01b3
            place = (place + 1) & 3
        }
        var sum: UInt64 = 0
        let words = lanes.map { lane in
            sum = Dice.mix(sum &+ lane)
            return sum
        }
        let last = words.map { Dice.mix($0 &+ 3 &* sum) }
        return Digest(bytes: last.flatMap(Content.bytes)) ?? .zero
    }

    /// What a picture of this prompt and seed is drawn from.
    static func source(prompt: String, seed: UInt64) -> PictureSource {
        PictureSource(digest(of: bytes(seed) + prompt.utf8))
    }

    /// The blob of `bytes`.
    static func name(of bytes: [UInt8]) -> BlobID { BlobID(digest(of: bytes)) }

    /// What a stage gives. A picture has its pixels after a header of `header` bytes.
    static func result(
        _ request: ImageRequest, model: ModelKey, stage: StageName, input: [UInt8]?, isLast: Bool
    ) -> [UInt8] {
        var state = Dice.mix(request.seed)
        func stir(_ bytes: some Sequence<UInt8>) {
            for byte in bytes { state = Dice.mix(state ^ UInt64(byte)) }
        }
        stir(request.prompt.utf8)
        stir(model.name.utf8)
        stir(stage.text.utf8)
        for change in request.options.steps where change.stage == stage { stir([UInt8(change.steps)]) }
        stir(input ?? [])
        let body = (0..<12).flatMap { bytes(Dice.mix(state &+ $0)) }
        return isLast ? record(of: request) + body : body
    }

    /// What a picture says it was made from.
    private static func record(of request: ImageRequest) -> [UInt8] {
        let options = request.options
        let steps = options.steps.flatMap { Array($0.stage.text.utf8) + [UInt8($0.steps)] }
        let text = bytes(request.seed) + bytes(UInt64(options.size)) + steps + request.prompt.utf8
        return digest(of: text).bytes
    }

    static let header = 32

    /// What the digest of a picture's pixels is.
    static func pixels(of picture: [UInt8]) -> Digest { digest(of: picture.dropFirst(header)) }

    private static func bytes(_ word: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }
    }
}
