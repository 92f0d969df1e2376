import Diffusion
import TensorEngine
import Testing

/// Expected values: diffusers 0.42's UnCLIPScheduler (Tests/Scripts/scheduler_values.py) with the settings
/// of each row and the model outputs of `run`; its noise is drawn as `torch.randn(48, generator=g)` from a
/// generator of seed 9.
@Suite struct SchedulerTests {
    struct Run: Sendable {
        let scheduler: UnCLIPScheduler
        let steps: Int
        /// The first four values after the first step.
        let first: [Float]
        /// The first four and the last two values at the end.
        let last: [Float]
    }

    static let runs = [
        Run(
            scheduler: UnCLIPScheduler(prediction: .sample, clipRange: 5), steps: 25,
            first: [-1.37877131, -0.112473175, 1.65599799, -0.390895247],
            last: [0.720853388, 0.196715921, -0.354046047, -0.856889606, 1.08631647, 1.38643062]),
        Run(
            scheduler: UnCLIPScheduler(variance: .learnedRange), steps: 25,
            first: [-1.44713664, -0.2136731, 1.658512, -0.545108795],
            last: [-0.99947232, -0.99947232, 0.138177544, -0.123234689, 0.821201622, -0.187051788]),
        Run(
            scheduler: UnCLIPScheduler(), steps: 7,
            first: [-1.59197962, -0.400239348, 1.79636836, -0.720163584],
            last: [-0.99947232, -0.99947232, -0.99947232, -0.99947232, 0.99947232, 0.99947232]),
        Run(
            scheduler: UnCLIPScheduler(), steps: 5,
            first: [-1.65724862, -0.516478181, 1.85290396, -0.82255286],
            last: [-0.99947232, -0.99947232, -0.714076221, -0.99947232, 0.99947232, 0.99947232]),
        Run(
            scheduler: UnCLIPScheduler(variance: .learnedRange, clipRange: nil), steps: 3,
            first: [-15197.8721, -17934.0371, 1116.14575, -41547.3125],
            last: [-21649.0625, -25547.957, 1588.5824, -59185.668, 65937.7266, 10842.334]),
        Run(
            scheduler: UnCLIPScheduler(), steps: 1000,
            first: [-1.41552663, -0.17188099, 1.62763309, -0.529701114],
            last: [0.589789152, 0.434193581, -0.784772813, 0.405200005, -0.410846204, -0.439799845]),
        Run(
            scheduler: UnCLIPScheduler(
                trainingSteps: 50, prediction: .sample, variance: .learnedRange, clipRange: 2), steps: 2,
            first: [-1.38090932, 0.399293363, 2.39775229, 0.989498913],
            last: [0.164669767, 0.692678511, 1.12693655, 1.40866888, -1.48345435, -1.46345961]),
    ]

    @Test(arguments: runs) func agreesWithDiffusers(_ run: Run) {
        let count = 48
        var generator = TorchGenerator(seed: 9)
        var sample = generator.normals(count: count)
        for (index, step) in run.scheduler.steps(run.steps).enumerated() {
            let output = (0..<count).map { place in
                Float(Scalar.sin(Double(place) * 0.37 + 0.11 * Double(index))) * 1.5
            }
            let variance = (0..<count).map { place in
                Float(Scalar.cos(Double(place) * 0.21 + 0.07 * Double(index)))
            }
            #expect(step.drawsNoise == (index + 1 < run.steps))
            let normals = step.drawsNoise ? generator.normals(count: count) : []
            step.apply(to: &sample, output: output, variance: variance, normals: normals)
            if index == 0 { expect(sample.prefix(4), run.first) }
        }
        expect(sample.prefix(4) + sample.suffix(2), run.last)
    }

    private func expect(_ values: ArraySlice<Float>, _ expected: [Float]) {
        for (value, expected) in zip(values, expected) {
            #expect(abs(value - expected) <= 1e-5 * max(1, abs(expected)), "\(value) \(expected)")
        }
    }

    @Test(arguments: [
        (
            25,
            [
                999, 957, 916, 874, 832, 791, 749, 708, 666, 624, 583, 541, 500, 458, 416, 375, 333, 291, 250,
                208, 166,
                125, 83, 42, 0,
            ]
        ), (7, [999, 832, 666, 500, 333, 166, 0]), (5, [999, 749, 500, 250, 0]), (2, [999, 0]),
    ]) func visitsTheSameSteps(_ steps: Int, _ expected: [Int]) {
        #expect(UnCLIPScheduler().timesteps(steps) == expected)
    }

    /// √ᾱ and √(1 − ᾱ) against diffusers' `alphas_cumprod`.
    @Test(
        arguments: [
            (0, 0.999958694), (1, 0.99991256), (250, 0.845888019), (500, 0.492285043), (750, 0.143178657),
            (998, 2.42876627e-06), (999, 2.42873499e-09),
        ] as [(Int, Float)]) func productsOfAlphas(_ timestep: Int, _ product: Float)
    {
        let step = UnCLIPScheduler().step(from: timestep, to: nil)
        #expect(step.signalScale == product.squareRoot())
        #expect(step.noiseScale == (1 - product).squareRoot())
    }

    /// Fast mode computes the others of a run's steps.
    @Test(arguments: [(2, 1), (3, 1), (6, 1), (7, 0), (25, 0)])
    func shortRunsBeginWithAStepThatAmplifiesErrors(steps: Int, amplifying: Int) {
        let run = UnCLIPScheduler().steps(steps)
        #expect(run.count { $0.amplifiesErrors } == amplifying)
        #expect(run.first?.amplifiesErrors == (amplifying == 1))
        #expect(!UnCLIPScheduler(prediction: .sample).steps(steps).contains { $0.amplifiesErrors })
    }
}
