import ArgumentParser
import Diffusion
import Foundation
import Imaging
import Worker

/// `tessera render`: one picture in this process, without a farm.
struct RenderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "render",
        abstract: "Renders one picture in this process, without a farm.",
        discussion: """
            tessera render "a frog above a star, purple background" --size 256 --seed 5 --out frog.png
            """)

    @Argument(help: "What to draw.")
    var prompt: String

    @Option(name: .shortAndLong, help: "The PNG file to write.")
    var out: String

    @Option(help: "A model folder, or the name of a model that `tessera models list` shows.")
    var model: String?

    @OptionGroup var picture: PictureOptions
    @OptionGroup var engine: ThreadsOption

    @Flag(help: "Print what was done as JSON.")
    var json = false

    func run() throws {
        let file = OutputFile(path: out)
        try file.checkWritable()
        let cascade = try ModelChoice.open(model)
        let request = try picture.request(prompt: prompt)
        var bar = ProgressBar(title: "rendering", unit: "steps")
        let rendering = try Rendering.run(
            request, cascade: cascade, threads: engine.threads,
            onStep: { done, total, stage in bar.show(done: Double(done), total: Double(total), note: stage) })
        try file.write(rendering.png)
        for warning in rendering.warnings { Output.remark("warning: \(warning)") }
        let report = RenderReport(out: out, rendering: rendering)
        bar.finish(report.summary)
        if json { try Output.json(report) }
    }
}

/// What `tessera render` did, as it prints it.
private struct RenderReport: Encodable {
    let out: String
    let pixelHash: String
    let stages: [Rendering.StageTime]
    let peakMemoryBytes: Int

    init(out: String, rendering: Rendering) {
        self.out = out
        pixelHash = rendering.image.pixelHash
        stages = rendering.stages
        peakMemoryBytes = ProcessMemory.peakBytes
    }

    var summary: String {
        let seconds = stages.reduce(0) { $0 + $1.seconds + $1.loadSeconds }
        let each = stages.map { stage in
            String(format: "%@ %.2f s", stage.name, stage.seconds)
                + (stage.loadSeconds > 0.005 ? String(format: " (+ %.2f s loading)", stage.loadSeconds) : "")
        }
        return "\(out): \(String(format: "%.2f", seconds)) s: " + each.joined(separator: ", ")
            + String(format: "; peak memory %.0f MB", Double(peakMemoryBytes) / 1e6)
    }
}
