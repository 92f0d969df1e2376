import ArgumentParser
import Foundation
import TensorEngine

/// `tessera bench`: speed and memory on this machine.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measures the engine and the coordinator on this machine.",
        subcommands: [BenchKernels.self, BenchStages.self, BenchPrecision.self, BenchDispatch.self])
}

/// `tessera bench kernels`.
struct BenchKernels: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels", abstract: "Measures the hot loops beside the machine's own peak.",
        discussion: """
            The peak comes first. GFLOP/s count what a plain loop computes, so Winograd can exceed the peak.
            Where others use the machine, --rounds repeats the whole table and ends with each row's medians.
            """)

    @OptionGroup var engine: ThreadsOption

    @Option(help: "How often the whole table is measured, 1 to 100; above 1, medians follow.")
    var rounds = 1

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (1...100).contains(rounds) else {
            throw ValidationError("--rounds must be 1 to 100, not \(rounds).")
        }
    }

    func run() throws {
        let context = try ComputeContext(threads: engine.threads)
        let benchmark = KernelBenchmark(context: context)
        if json {
            return try Output.json(KernelBenchmark.medians((0..<rounds).map { _ in benchmark.run() }))
        }
        print("\(context.path) kernels, \(engine.threads) threads; the fastest of several runs")
        let tables = (1...rounds).map { round in
            Self.printHeading(rounds == 1 ? "KERNEL" : "KERNEL, ROUND \(round) OF \(rounds)")
            return benchmark.run(onRow: Self.printRow)
        }
        if rounds > 1 {
            Self.printHeading("KERNEL, MEDIANS OF \(rounds) ROUNDS")
            KernelBenchmark.medians(tables).forEach(Self.printRow)
        }
    }

    private static func printHeading(_ name: String) {
        print(line(name, "MS", "GFLOP/S", "OF PEAK", "GB/S"))
    }

    private static func printRow(_ row: KernelBenchmark.Row) {
        print(
            line(
                row.name, number(row.milliseconds, "%.2f"), number(row.gflops, "%.1f"),
                number(row.shareOfPeak, "%.2f×"), number(row.gigabytesPerSecond, "%.1f")))
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
