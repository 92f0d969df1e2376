import ArgumentParser
import Diffusion
import Foundation

/// `tessera bench precision`.
struct BenchPrecision: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "precision",
        abstract: "Renders the same requests exactly and fast: the error beside the speed.",
        discussion: """
            PSNR compares the pictures of the two precisions as 8-bit RGB, in dB: 10·log₁₀(255² / mean \
            squared difference). The stages of a request are run alternately in both precisions.
            """)

    @Option(help: "A model folder or name; the first one found when not given.")
    var model: String?

    @Option(help: "Height and width in pixels.")
    var size = 256

    @Option(help: "Requests to render; each has its own prompt and seed.")
    var count = 50

    @OptionGroup var engine: ThreadsOption

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (1...PrecisionBenchmark.mostRequests).contains(count) else {
            throw ValidationError(
                "--count is \(count); it must be 1 to \(PrecisionBenchmark.mostRequests).")
        }
    }

    func run() throws {
        let cascade = try ModelChoice.open(model)
        let benchmark = try PrecisionBenchmark(cascade: cascade, size: size, threads: engine.threads)
        var bar = ProgressBar(title: "comparing", unit: "requests")
        let report = try benchmark.run(count: count) { done in
            bar.show(done: Double(done), total: Double(count), note: "")
        }
        bar.finish("\(count) requests at \(size) pixels, \(engine.threads) threads")
        if json { return try Output.json(report) }
        var table = TextTable("STAGE", "EXACT S", "FAST S", "SPEED")
        for stage in report.stages {
            table.add(
                stage.name, String(format: "%.3f", stage.exactSeconds),
                String(format: "%.3f", stage.fastSeconds),
                String(format: "%.2f×", stage.exactSeconds / stage.fastSeconds))
        }
        print(table.text)
        print(
            String(
                format: "PSNR of fast against exact: worst %.1f dB (%@, seed %d), mean %.1f dB",
                report.worst.psnr, report.worst.prompt, Int(report.worst.seed), report.meanPSNR))
    }
}
