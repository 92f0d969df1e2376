import ArgumentParser
import Diffusion
import Foundation
import TensorEngine

/// `tessera bench`: speed and memory on this machine.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measures the engine and the coordinator on this machine.",
        subcommands: [BenchKernels.self, BenchStages.self, BenchDispatch.self])
}

/// `tessera bench kernels`.
struct BenchKernels: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels", abstract: "Measures the hot loops beside the machine's own peak.",
        discussion: """
            The peak comes first. GFLOP/s count what a plain loop computes, so Winograd can exceed the peak.
            """)

    @OptionGroup var engine: ThreadsOption

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let context = try ComputeContext(threads: engine.threads)
        let benchmark = KernelBenchmark(context: context)
        if json { return try Output.json(benchmark.run()) }
        print("\(context.path) kernels, \(engine.threads) threads; the fastest of several runs")
        print(Self.line("KERNEL", "MS", "GFLOP/S", "OF PEAK", "GB/S"))
        _ = benchmark.run { row in
            print(
                Self.line(
                    row.name, Self.number(row.milliseconds, "%.2f"), Self.number(row.gflops, "%.1f"),
                    Self.number(row.shareOfPeak, "%.2f×"), Self.number(row.gigabytesPerSecond, "%.1f")))
        }
    }

    /// Rows are printed as they come, so columns have a fixed width.
    private static func line(_ name: String, _ cells: String...) -> String {
        name.padding(toLength: 44, withPad: " ", startingAt: 0)
            + cells.map { String(repeating: " ", count: max(0, 10 - $0.count)) + $0 }.joined()
    }

    private static func number(_ value: Double, _ format: String) -> String {
        value == 0 ? "" : String(format: format, value)
    }
}

/// `tessera bench stages`.
struct BenchStages: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stages", abstract: "Measures each stage of a picture, with its operations on demand.")

    @Option(help: "A model folder or name; the first one found when not given.")
    var model: String?

    @Option(help: "Height and width of the picture in pixels.")
    var size = 1024

    @OptionGroup var engine: ThreadsOption

    @Flag(help: "Show what every kind of operation took.")
    var profile = false

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let runner = try StageRunner(cascade: try ModelChoice.open(model), threads: engine.threads)
        let rows = try StageBenchmark(runner: runner).run(size: size)
        if json { return try Output.json(Report(stages: rows, peakMemoryBytes: ProcessMemory.peakBytes)) }
        var table = TextTable("STAGE", "STEPS", "SECONDS", "LOADING", "MS/STEP", "GFLOP/S")
        for row in rows {
            table.add(
                row.stage, "\(row.steps)", String(format: "%.2f", row.seconds),
                String(format: "%.2f", row.loadSeconds), String(format: "%.1f", row.millisecondsPerStep),
                String(format: "%.1f", row.gflops))
        }
        print(table.text)
        print(String(format: "peak memory %.0f MB", Double(ProcessMemory.peakBytes) / 1e6))
        guard profile else { return }
        for row in rows { printProfile(row) }
    }

    private func printProfile(_ row: StageBenchmark.Row) {
        var table = TextTable("\(row.stage)", "COUNT", "SECONDS", "GFLOP/S", "GB/S")
        for operation in row.operations {
            table.add(
                operation.name, "\(operation.count)", String(format: "%.3f", operation.seconds),
                String(format: "%.1f", operation.gflops), String(format: "%.1f", operation.gigabytesPerSecond)
            )
        }
        print("\n" + table.text)
    }

    private struct Report: Encodable {
        let stages: [StageBenchmark.Row]
        let peakMemoryBytes: Int
    }
}
