import TensorEngine

/// The networks of a cascade, each opened when it is first asked for, and kept: they read their weights
/// where these lie, so that a network takes little memory.
package final class StageNetworks {
    /// Seconds spent on opening networks so far.
    package private(set) var loadSeconds = 0.0
    private let cascade: Cascade
    private var textTower: CLIPTextTower?
    private var textProjection: TextProjection?
    private var priors: [String: PriorTransformer] = [:]
    private var decoders: [String: DecoderUNet] = [:]
    private var upscalers: [String: SuperResolutionUNet] = [:]

    init(cascade: Cascade) { self.cascade = cascade }

    package func tower() throws(ModelError) -> CLIPTextTower {
        if let textTower { return textTower }
        let tower = try load("text_encoder") { weights throws(ModelError) in
            try CLIPTextTower(weights, shape: cascade.textEncoder)
        }
        textTower = tower
        return tower
    }

    package func projection() throws(ModelError) -> TextProjection {
        if let textProjection { return textProjection }
        let projection = try load("text_proj") { weights throws(ModelError) in
            try TextProjection(weights, shape: cascade.textProjection)
        }
        textProjection = projection
        return projection
    }

    package func prior(_ component: String, _ config: PriorConfig) throws(ModelError) -> PriorTransformer {
        if let prior = priors[component] { return prior }
        let prior = try load(component) { weights throws(ModelError) in
            try PriorTransformer(weights, shape: config)
        }
        priors[component] = prior
        return prior
    }

    package func decoder(_ component: String, _ config: UNetConfig) throws(ModelError) -> DecoderUNet {
        if let decoder = decoders[component] { return decoder }
        let decoder = try load(component) { weights throws(ModelError) in
            try DecoderUNet(weights, shape: config)
        }
        decoders[component] = decoder
        return decoder
    }

    package func upscaler(
        _ component: String, _ config: UNetConfig
    ) throws(ModelError) -> SuperResolutionUNet {
        if let upscaler = upscalers[component] { return upscaler }
        let upscaler = try load(component) { weights throws(ModelError) in
            try SuperResolutionUNet(weights, shape: config)
        }
        upscalers[component] = upscaler
        return upscaler
    }

    private func load<Network>(
        _ component: String, _ body: (WeightScope) throws(ModelError) -> Network
    ) throws(ModelError) -> Network {
        let start = ContinuousClock.now
        defer { loadSeconds += start.duration(to: .now) / .seconds(1) }
        let weights = try cascade.weights(of: component)
        try weights.checkUnchanged()
        weights.prefetch()
        return try body(WeightScope(weights))
    }
}
