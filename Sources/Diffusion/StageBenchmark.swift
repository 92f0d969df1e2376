import TensorEngine

/// Times the stages of a cascade, each by itself on a made-up input, for `tessera bench stages`.
///
///     let benchmark = try StageBenchmark(runner: runner)
///     for stage in runner.cascade.stages { print(try benchmark.run(stage, steps: 1).secondsPerStep) }
package struct StageBenchmark {
    /// What one stage took.
    package struct Row: Sendable, Codable {
        package let stage: String
        /// Of the first step, with what is computed once for all of them.
        package let firstStepSeconds: Double
        /// Of the fastest step.
        package let secondsPerStep: Double
        /// Duration of opening the networks.
        package let loadSeconds: Double
        /// 10⁹ operations a second of the fastest step, as plain loops would count them.
        package let gflops: Double
        /// Parameters of the networks that the stage may run.
        package let parameters: Int
        /// Most bytes that tensors took.
        package let tensorBytes: Int
        /// Operations of all steps by kind and shape, the slowest first.
        package let operations: [Operation]
    }

    /// One kind of operation in a stage.
    package struct Operation: Sendable, Codable {
        package let name: String
        package let count: Int
        package let seconds: Double
        package let gflops: Double
        package let gigabytesPerSecond: Double
    }

    private let runner: StageRunner

    package init(runner: StageRunner) { self.runner = runner }

    /// Runs the first `steps` steps of a stage.
    package func run(
        _ stage: CascadeStage, steps: Int, precision: Precision = .exact
    ) throws(StageError) -> Row {
        let name = stage.description.name
        let request = RenderRequest(
            prompt: "a strawberry on a blue background", seed: 1, size: 0, precision: precision)
        let profiler = Profiler()
        runner.context.trim()
        runner.context.profiler = profiler
        defer { runner.context.profiler = nil }
        let loaded = runner.networks.loadSeconds
        var flop: [Double] = []
        var seconds: [Double] = []
        var last = ContinuousClock.now
        do {
            _ = try runner.run(stage: name, request: request, input: input(of: stage)) {
                progress throws(StageInterruption) in
                let now = ContinuousClock.now
                seconds.append(last.duration(to: now) / .seconds(1))
                flop.append(profiler.rows.reduce(0) { $0 + $1.flop } - flop.reduce(0, +))
                if progress.step >= steps { throw StageInterruption() }
                last = .now
            }
        } catch .interrupted {}
        let loadSeconds = runner.networks.loadSeconds - loaded
        seconds[0] -= loadSeconds
        let fastest = seconds.indices.min { seconds[$0] < seconds[$1] } ?? 0
        return Row(
            stage: name, firstStepSeconds: seconds[0], secondsPerStep: seconds[fastest],
            loadSeconds: loadSeconds, gflops: flop[fastest] / seconds[fastest] / 1e9,
            parameters: parameters(of: stage), tensorBytes: runner.context.tensorBytes,
            operations: profiler.rows.map(Operation.init))
    }

    /// What the stage before could have made.
    private func input(of stage: CascadeStage) -> [UInt8]? {
        var generator = TorchGenerator(seed: 1)
        switch stage.network {
        case .prior: return nil
        case .decoder:
            let width = runner.cascade.textProjection.embedding
            return StageBlob.write(
                "image_embeds", shape: [1, width], values: generator.normals(count: width))
        case .superResolution(let config, _):
            let size = config.size / 4
            let values = generator.normals(count: 3 * size * size).map { max(-1, min(1, 0.5 * $0)) }
            return StageBlob.write("image", shape: [1, 3, size, size], values: values)
        }
    }

    private func parameters(of stage: CascadeStage) -> Int {
        stage.allComponents.reduce(0) { sum, component in
            guard let weights = try? runner.cascade.weights(of: component) else { return sum }
            return sum + weights.names.reduce(0) { $0 + (weights.entry($1)?.count ?? 0) }
        }
    }
}

extension StageBenchmark.Operation {
    init(_ row: Profiler.Row) {
        self.init(
            name: row.name, count: row.count, seconds: row.seconds, gflops: row.flop / row.seconds / 1e9,
            gigabytesPerSecond: row.bytes / row.seconds / 1e9)
    }
}
