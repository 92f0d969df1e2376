import ArgumentParser
import Diffusion
import Foundation
import TensorEngine

/// `tessera bench stages`.
struct BenchStages: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stages",
        abstract: "Measures a step of each stage of a model: speed, memory, and operations on demand.",
        discussion: """
            The machine's peaks come first. GFLOP/s count what plain loops compute, so Winograd can exceed the
            peak. PEAK MEMORY is all that the process has in memory while the stage runs, mapped weights
            included; WEIGHTS is what they would take in f32.
            """)

    @Option(help: "A model folder or name; the first one found when not given.")
    var model: String?

    @Option(help: "Measure only this stage.")
    var stage: String?

    @Option(help: "Sampling steps to run of each stage; the fastest counts.")
    var steps = 3

    @Option(help: "How to compute: exact or fast.")
    var precision: Precision = .exact

    @OptionGroup var engine: ThreadsOption

    @Flag(help: "Show what every kind of operation took.")
    var profile = false

    @Option(help: "Write what the networks predicted in each step to this safetensors file, to compare.")
    var predictions: String?

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard steps >= 1 else { throw ValidationError("--steps is \(steps); it must be at least 1.") }
    }

    func run() throws {
        let file = predictions.map(OutputFile.init)
        try file?.checkWritable()
        let start = ContinuousClock.now
        let cascade = try ModelChoice.open(model)
        let openSeconds = start.duration(to: .now) / .seconds(1)
        let stages = try chosen(cascade)
        let runner = try StageRunner(cascade: cascade, threads: engine.threads)
        let peaks = MachinePeaks(context: runner.context)
        var results: [Report.Stage] = []
        var predicted: [SafetensorsWriter.Tensor] = []
        for stage in stages {
            if file != nil {
                runner.onPrediction = { timestep, output in
                    let name = "\(stage.description.name).\(timestep)"
                    predicted.append(.init(name: name, shape: [output.count], values: output))
                }
            }
            ProcessMemory.forgetPeak()
            let row = try StageBenchmark(runner: runner).run(stage, steps: steps, precision: precision)
            results.append(.init(row: row, peakMemoryBytes: ProcessMemory.peakBytes))
        }
        let report = Report(
            kernels: runner.context.path.rawValue, threads: engine.threads, peaks: peaks,
            openSeconds: openSeconds, stages: results)
        try file?.write(SafetensorsWriter.bytes(predicted))
        json ? try Output.json(report) : show(report)
    }

    private func chosen(_ cascade: Cascade) throws -> [CascadeStage] {
        guard let stage else { return cascade.stages }
        guard let found = cascade.stage(stage) else {
            let known = cascade.stages.map(\.description.name)
            throw StageError.unknownStage(stage, known: known)
        }
        return [found]
    }

    private func show(_ report: Report) {
        print(
            String(
                format: "%@ kernels, %d threads; measured peaks: f32 %.0f GFLOP/s, memory %.1f GB/s",
                report.kernels, report.threads, report.peaks.f32Gflops, report.peaks.readGigabytesPerSecond))
        print(String(format: "model opened in %.2f s", report.openSeconds))
        var table = TextTable(
            "STAGE", "S/STEP", "FIRST", "LOADING", "GFLOP/S", "OF PEAK", "WEIGHTS", "TENSORS", "PEAK MEMORY")
        for stage in report.stages {
            let row = stage.row
            table.add(
                row.stage, String(format: "%.3f", row.secondsPerStep),
                String(format: "%.3f", row.firstStepSeconds), String(format: "%.3f", row.loadSeconds),
                String(format: "%.1f", row.gflops),
                String(format: "%.2f×", row.gflops / report.peaks.f32Gflops),
                Self.megabytes(4 * row.parameters), Self.megabytes(row.tensorBytes),
                Self.megabytes(stage.peakMemoryBytes))
        }
        print(table.text)
        guard profile else { return }
        for stage in report.stages { show(stage.row) }
    }

    private func show(_ row: StageBenchmark.Row) {
        var table = TextTable("\(row.stage)", "COUNT", "SECONDS", "GFLOP/S", "GB/S")
        for operation in row.operations {
            table.add(
                operation.name, "\(operation.count)", String(format: "%.3f", operation.seconds),
                String(format: "%.1f", operation.gflops), String(format: "%.1f", operation.gigabytesPerSecond)
            )
        }
        print("\n" + table.text)
    }

    private static func megabytes(_ bytes: Int) -> String { String(format: "%.0f MB", Double(bytes) / 1e6) }

    /// What `--json` prints.
    private struct Report: Encodable {
        struct Stage: Encodable {
            let row: StageBenchmark.Row
            let peakMemoryBytes: Int

            func encode(to encoder: any Encoder) throws {
                try row.encode(to: encoder)
                var container = encoder.container(keyedBy: Keys.self)
                try container.encode(peakMemoryBytes, forKey: .peakMemoryBytes)
            }

            enum Keys: CodingKey { case peakMemoryBytes }
        }

        let kernels: String
        let threads: Int
        let peaks: MachinePeaks
        let openSeconds: Double
        let stages: [Stage]
    }
}
