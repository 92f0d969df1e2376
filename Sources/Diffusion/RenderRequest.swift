/// How exactly numbers are computed. It is the request's choice, never the worker's.
package enum Precision: String, Sendable, Hashable, Codable, CaseIterable {
    /// f32 everywhere: the same bytes on every machine.
    case exact
    /// 16-bit integers in the networks' large products: faster, close to `exact`, and again the same bytes on
    /// every machine.
    case fast
}

/// Everything that a picture follows from, besides the model's weights.
package struct RenderRequest: Sendable, Hashable, Codable {
    package var prompt: String
    package var seed: UInt64
    /// Height and width in pixels.
    package var size: Int
    /// Sampling steps by stage name, where they differ from the cascade's.
    package var steps: [String: Int]
    /// Guidance of the 64-pixel stage; nil for the cascade's.
    package var guidance: Double?
    package var precision: Precision

    package init(
        prompt: String, seed: UInt64, size: Int, steps: [String: Int] = [:], guidance: Double? = nil,
        precision: Precision = .exact
    ) {
        self.prompt = prompt
        self.seed = seed
        self.size = size
        self.steps = steps
        self.guidance = guidance
        self.precision = precision
    }
}
