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
