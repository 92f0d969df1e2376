import TensorEngine

/// The denoising loop of a stage as a sequence of its steps: pulling the next element runs the next step.
struct Sampling: Sequence, IteratorProtocol {
    /// What a network says about a sample, in the sample's layout.
    struct Prediction {
        /// The noise or the clean sample.
        var output: [Float]
        /// The choice of variance, −1…1; empty where the schedule fixes it.
        var variance: [Float]
    }

    /// Runs the network on a sample at a training step; the prediction's memory is reused.
    typealias Network = (_ sample: [Float], _ timestep: Int, _ prediction: inout Prediction) -> Void

    /// The state in PyTorch's order: noise before the first step, the clean sample after the last.
    private(set) var sample: [Float]
    private let steps: [UnCLIPStep]
    private let context: ComputeContext
    private let network: Network
    private var generator: TorchGenerator
    /// What the network said in the last step.
    private(set) var prediction: Prediction
    private var normals: [Float]
    private var done = 0

    /// - Parameters:
    ///   - steps: the run's steps, in order.
    ///   - count: numbers in a sample.
    ///   - generator: as it stands after the earlier stages' draws.
    init(
        steps: [UnCLIPStep], count: Int, hasVariance: Bool = false, generator: TorchGenerator,
        context: ComputeContext, network: @escaping Network
    ) {
        self.steps = steps
        self.context = context
        self.network = network
        self.generator = generator
        sample = [Float](repeating: 0, count: count)
        normals = sample
        prediction = Prediction(output: sample, variance: hasVariance ? sample : [])
        context.draw(&self.generator, into: &sample)
    }

    mutating func next() -> StepProgress? {
        guard done < steps.count else { return nil }
        let step = steps[done]
        network(sample, step.timestep, &prediction)
        if step.drawsNoise { context.draw(&generator, into: &normals) }
        step.apply(
            to: &sample, output: prediction.output, variance: prediction.variance, normals: normals)
        done += 1
        return StepProgress(step: done, steps: steps.count)
    }
}
