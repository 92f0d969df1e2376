import TensorEngine

/// Times the stages of a cascade, for `tessera bench stages`.
///
///     let rows = try StageBenchmark(runner: runner).run(size: 1024)
package struct StageBenchmark {
    /// What one stage took.
    package struct Row: Sendable, Codable {
        package let stage: String
        package let steps: Int
        /// Without loading.
        package let seconds: Double
        package let loadSeconds: Double
        /// Of the fastest step.
        package let millisecondsPerStep: Double
        /// 10⁹ operations a second over the stage, as plain loops would count them.
        package let gflops: Double
        /// Operations by kind and shape, the slowest first.
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

    /// Runs every stage of a picture of `size` pixels, one row each.
    ///
    /// - Throws: `CascadeError`, where the model makes no such size, or `StageError`.
    package func run(size: Int, onRow: (Row) -> Void = { _ in }) throws -> [Row] {
        let request = RenderRequest(prompt: "a red apple on a blue background", seed: 1, size: size)
        var rows: [Row] = []
        var blob: [UInt8]?
        defer { runner.context.profiler = nil }
        for stage in try runner.cascade.description.stages(forSize: size) {
            let profiler = Profiler()
            runner.context.profiler = profiler
            var last = ContinuousClock.now
            var fastest = Double.infinity
            let result = try runner.run(stage: stage.name, request: request, input: blob) { _ in
                let now = ContinuousClock.now
                fastest = min(fastest, last.duration(to: now) / .seconds(1))
                last = now
            }
            blob = result.blob
            let flop = profiler.rows.reduce(0) { $0 + $1.flop }
            let row = Row(
                stage: stage.name, steps: stage.steps, seconds: result.seconds,
                loadSeconds: result.loadSeconds,
                millisecondsPerStep: fastest * 1e3, gflops: flop / result.seconds / 1e9,
                operations: profiler.rows.map(Operation.init))
            rows.append(row)
            onRow(row)
        }
        return rows
    }
}

extension StageBenchmark.Operation {
    init(_ row: Profiler.Row) {
        self.init(
            name: row.name, count: row.count, seconds: row.seconds, gflops: row.flop / row.seconds / 1e9,
            gigabytesPerSecond: row.bytes / row.seconds / 1e9)
    }
}
