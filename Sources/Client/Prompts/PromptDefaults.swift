package import Farm

/// What holds for every line of a prompt file that does not say otherwise.
package struct PromptDefaults: Hashable, Sendable {
    /// Side of the picture in pixels: 64, 256 or 1024.
    package var size: Int
    /// Seed of the job's first picture; picture k gets `seed + k`.
    package var seed: UInt64
    /// Pictures of each prompt.
    package var count: Int
    /// Steps by stage where they differ from the cascade's.
    package var steps: [String: Int]
    /// Guidance of the decoder; nil = the cascade's.
    package var guidance: Double?
    /// How exactly to compute.
    package var precision: RenderPrecision

    /// Checks the values as the command line or a caller gave them; `size` in pixels.
    ///
    /// - Throws: `RequestError`.
    package init(
        size: Int = 64, seed: UInt64 = 0, count: Int = 1, steps: [String: Int] = [:], guidance: Double? = nil,
        precision: RenderPrecision = .exact
    ) throws(RequestError) {
        self.size = try RequestCheck.size(size)
        self.seed = seed
        self.count = try RequestCheck.count(count)
        self.steps = try RequestCheck.steps(steps)
        if let guidance {
            self.guidance = try RequestCheck.guidance(guidance)
        }
        self.precision = precision
    }
}
