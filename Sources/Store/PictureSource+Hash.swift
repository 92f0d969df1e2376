import Crypto
package import Farm

extension PictureSource {
    /// What a picture of this prompt and seed is drawn from.
    package init(prompt: String, seed: UInt64) {
        var hash = SHA256()
        withUnsafeBytes(of: seed.littleEndian) { hash.update(bufferPointer: $0) }
        var prompt = prompt
        prompt.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        self.init(Farm.Digest(bytes: hash.finalize()) ?? .zero)
    }
}

extension SubmittedImage {
    /// What the machine is handed for `request`.
    package init(_ request: ImageRequest) {
        self.init(
            request: request, source: PictureSource(prompt: request.prompt, seed: request.seed))
    }
}
