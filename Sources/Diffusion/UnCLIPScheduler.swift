import TensorEngine

/// The sampler of unCLIP models: DDPM (Ho et al. 2020, arXiv 2006.11239) over few of the trained steps,
/// with the cosine schedule and the learned variance of Nichol & Dhariwal 2021 (arXiv 2102.09672).
///
/// Follows diffusers' `UnCLIPScheduler`: schedule in double, everything after it in f32 in the same order of
/// operations.
package struct UnCLIPScheduler: Sendable, Hashable {
    /// What the network gives.
    package enum Prediction: Sendable, Hashable {
        case noise
        /// The clean picture (or embedding) itself.
        case sample
    }

    /// Where the variance of a step's noise comes from.
    package enum Variance: Sendable, Hashable {
        case fixedSmall
        /// From the network: one more channel for each that it predicts.
        case learnedRange
    }

    /// Steps of the training schedule.
    package let trainingSteps: Int
    /// What the network gives.
    package let prediction: Prediction
    /// Where the variance comes from.
    package let variance: Variance
    /// Bound of the predicted clean sample; nil where it is not clipped.
    package let clipRange: Float?

    private let betas: [Float]
    private let alphas: [Float]
    /// Product of the alphas up to each step.
    private let alphaProducts: [Float]

    /// A sampler with diffusers' defaults.
    package init(
        trainingSteps: Int = 1000, prediction: Prediction = .noise, variance: Variance = .fixedSmall,
        clipRange: Float? = 1
    ) {
        self.trainingSteps = trainingSteps
        self.prediction = prediction
        self.variance = variance
        self.clipRange = clipRange
        betas = (0..<trainingSteps).map { Self.beta($0, of: trainingSteps) }
        alphas = betas.map { 1 - $0 }
        // torch accumulates in double and stores each product in f32.
        var product = 1.0
        alphaProducts = alphas.map { alpha in
            product *= Double(alpha)
            return Float(product)
        }
    }

    /// squaredcos_cap_v2: how much noise training step `index` adds.
    private static func beta(_ index: Int, of steps: Int) -> Float {
        func remaining(_ time: Double) -> Double {
            let cosine = Scalar.cos((time + 0.008) / 1.008 * Double.pi / 2)
            return cosine * cosine
        }
        let before = remaining(Double(index) / Double(steps))
        let after = remaining(Double(index + 1) / Double(steps))
        return Float(min(1 - after / before, 0.999))
    }

    /// The numbers of steps that can be sampled.
    package var allowedSteps: ClosedRange<Int> { 2...trainingSteps }

    /// The training steps visited by a run of `count` steps (one of `allowedSteps`), last to first; ends
    /// with 0.
    package func timesteps(_ count: Int) -> [Int] {
        precondition(
            allowedSteps.contains(count), "a run has at least two steps and at most the trained ones")
        let ratio = Double(trainingSteps - 1) / Double(count - 1)
        return (0..<count).reversed().map { Int((Double($0) * ratio).rounded(.toNearestOrEven)) }
    }

    /// A run of `count` steps, in order.
    package func steps(_ count: Int) -> [UnCLIPStep] {
        let timesteps = timesteps(count)
        return timesteps.indices.map { index in
            step(from: timesteps[index], to: index + 1 < count ? timesteps[index + 1] : nil)
        }
    }

    /// The step from `timestep` to an earlier one; nil for the one just before.
    package func step(from timestep: Int, to earlier: Int?) -> UnCLIPStep {
        let previous = earlier ?? timestep - 1
        let alphaProduct = alphaProducts[timestep]
        let alphaProductPrevious: Float = previous >= 0 ? alphaProducts[previous] : 1
        let betaProduct = 1 - alphaProduct
        let betaProductPrevious = 1 - alphaProductPrevious
        let isNext = previous == timestep - 1
        let beta = isNext ? betas[timestep] : 1 - alphaProduct / alphaProductPrevious
        let alpha = isNext ? alphas[timestep] : 1 - beta

        var noise = UnCLIPStep.Noise.none
        if timestep > 0 {
            let posterior = betaProductPrevious / betaProduct * beta
            switch variance {
            case .fixedSmall:
                let logarithm = Self.log(max(posterior, 1e-20))
                noise = .fixed(deviation: Self.exp(0.5 * logarithm))
            case .learnedRange:
                noise = .learned(minimum: Self.log(posterior), maximum: Self.log(beta))
            }
        }
        return UnCLIPStep(
            timestep: timestep, prediction: prediction, clipRange: clipRange ?? .infinity,
            noiseScale: betaProduct.squareRoot(), signalScale: alphaProduct.squareRoot(),
            cleanWeight: alphaProductPrevious.squareRoot() * beta / betaProduct,
            sampleWeight: alpha.squareRoot() * betaProductPrevious / betaProduct, noise: noise)
    }

    private static func log(_ value: Float) -> Float { Float(Scalar.log(Double(value))) }
    private static func exp(_ value: Float) -> Float { Float(Scalar.exp(Double(value))) }
}

extension UnCLIPScheduler {
    /// Reads scheduler_config.json.
    init(file: ConfigFile) throws(ModelError) {
        try file.require([
            ("_class_name", .string("UnCLIPScheduler")), ("beta_schedule", .string("squaredcos_cap_v2")),
        ])
        let isClipped = try file.bool("clip_sample", standard: true)
        let range = try file.number("clip_sample_range", standard: 1, in: 0.001...1000)
        self.init(
            trainingSteps: try file.integer("num_train_timesteps", standard: 1000, in: 2...100_000),
            prediction: try file.choice(
                "prediction_type", standard: "epsilon", of: ["epsilon": .noise, "sample": .sample]),
            variance: try file.choice(
                "variance_type", standard: "fixed_small_log",
                of: ["fixed_small_log": .fixedSmall, "learned_range": .learnedRange]),
            clipRange: isClipped ? Float(range) : nil)
    }
}
