package import TensorEngine

/// Runs the stages of a cascade, one at a time, for any request. It keeps the networks that it has loaded,
/// and lives on one thread.
///
///     let runner = try StageRunner(cascade: cascade, threads: 2)
///     let prior = try runner.run(stage: "prior", request: request, input: nil) { _ in }
///     let small = try runner.run(stage: "base64", request: request, input: prior.blob) { _ in }
package final class StageRunner {
    package let cascade: Cascade
    package let context: ComputeContext
    package let networks: StageNetworks
    /// Gets what the network predicted in each step, guidance applied, in PyTorch's order: to compare.
    package var onPrediction: ((_ timestep: Int, _ output: [Float]) -> Void)?
    var texts = PromptCache<TextStates>(capacity: 4)
    /// What the prior computes once for a prompt takes tens of megabytes.
    var priorConditionings = PromptCache<PriorTransformer.Conditioning>(capacity: 1)

    /// - Parameter path: nil follows `TESSERA_KERNELS`, or takes the machine's best.
    package init(cascade: Cascade, threads: Int, path: KernelPath? = nil) throws(EngineError) {
        self.cascade = cascade
        context = try ComputeContext(threads: threads, path: path)
        networks = StageNetworks(cascade: cascade)
    }

    /// Runs one stage.
    ///
    /// - Parameters:
    ///   - stage: a name from the cascade's description.
    ///   - input: the former stage's blob; nil for the first.
    ///   - onStep: called after each sampling step; throwing ends the stage.
    package func run(
        stage: String, request: RenderRequest, input: [UInt8]?,
        onStep: (StepProgress) throws(StageInterruption) -> Void
    ) throws(StageError) -> StageResult {
        let start = ContinuousClock.now
        let loaded = networks.loadSeconds
        let run = try StageRun(cascade: cascade, stage: stage, request: request)
        let output: StageOutput =
            switch run.stage.network {
            case .prior(let config): try runPrior(run, config, onStep)
            case .decoder(let config): try runDecoder(run, config, input, onStep)
            case .superResolution(let config, let last):
                try runSuperResolution(run, config, last: last, input, onStep)
            }
        let loadSeconds = networks.loadSeconds - loaded
        let seconds = start.duration(to: .now) / .seconds(1) - loadSeconds
        return StageResult(
            blob: StageBlob.write(output.name, shape: output.shape, values: output.values),
            warnings: output.warnings, seconds: seconds, loadSeconds: loadSeconds)
    }
}

/// What a stage computed.
struct StageOutput {
    let name: String
    let shape: [Int]
    let values: [Float]
    var warnings: [String] = []
}

/// One stage of one request: its steps and where its noise begins.
struct StageRun {
    let stage: CascadeStage
    let request: RenderRequest
    let steps: [UnCLIPStep]
    /// The request's one generator, past what the earlier stages draw.
    let generator: TorchGenerator

    init(cascade: Cascade, stage name: String, request: RenderRequest) throws(StageError) {
        guard let index = cascade.stages.firstIndex(where: { $0.description.name == name }) else {
            throw .unknownStage(name, known: cascade.stages.map(\.description.name))
        }
        var generator = TorchGenerator(seed: request.seed)
        for earlier in cascade.stages[..<index] {
            // Its start, and then as much for each step that adds noise.
            let draws = 1 + (try Self.steps(earlier, request)).count { $0.drawsNoise }
            for _ in 0..<draws { generator.skipNormals(count: earlier.sampleCount) }
        }
        stage = cascade.stages[index]
        self.request = request
        self.generator = generator
        steps = try Self.steps(stage, request)
    }

    /// How the networks compute the step at `timestep`: as asked, but exactly where errors would grow.
    func precision(at timestep: Int) -> Precision {
        let step = steps.first { $0.timestep == timestep }
        return step?.amplifiesErrors == true ? .exact : request.precision
    }

    private static func steps(
        _ stage: CascadeStage, _ request: RenderRequest
    ) throws(StageError) -> [UnCLIPStep] {
        let count = request.steps[stage.description.name] ?? stage.description.steps
        guard stage.scheduler.allowedSteps.contains(count) else {
            throw .steps(stage: stage.description.name, count, allowed: stage.scheduler.allowedSteps)
        }
        return stage.scheduler.steps(count)
    }
}

extension CascadeStage {
    /// Numbers in what the stage samples.
    var sampleCount: Int {
        switch network {
        case .prior(let config): config.embedding
        case .decoder(let config): 3 * config.size * config.size
        case .superResolution(let config, _): 3 * config.size * config.size
        }
    }
}
