import ArgumentParser
import Diffusion
import TensorEngine

/// `tessera models synthesize`.
struct SynthesizeModel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "synthesize",
        abstract: "Writes a model of a published architecture with random weights, to measure with.",
        discussion: """
            Its pictures are noise; its size, speed and memory are the real ones. diffusers reads it too.

              karlo         Karlo, text to 256 pixels: 3.4·10⁹ parameters
              dalle2-1024   the 256→1024 network of the DALL·E 2 paper: 2.8·10⁸ parameters, after tiny stages
            """)

    @Argument(help: "The architecture: karlo or dalle2-1024.")
    var architecture: SyntheticModel.Architecture

    @Option(help: "The folder to make; it must be new or empty.")
    var out: String

    @Option(help: "'full', or 'tiny' with few channels and pixels.")
    var scale: SyntheticModel.Scale = .full

    @Option(help: "The same seed gives the same weights.")
    var seed: UInt64 = 0

    @Option(help: "How weights are kept: f32, f16 or bf16.")
    var precision: Weights.ElementType = .f16

    @OptionGroup var engine: ThreadsOption

    func run() throws {
        let model = SyntheticModel(architecture: architecture, scale: scale, seed: seed, type: precision)
        var bar = ProgressBar(title: "writing", unit: "MB")
        let parameters = try model.write(to: out, context: ComputeContext(threads: engine.threads)) {
            bar.show(done: Double($0.bytes) / 1e6, total: Double($0.total) / 1e6, note: $0.component)
        }
        bar.finish("\(out): \(parameters) parameters")
    }
}

extension SyntheticModel.Architecture: ExpressibleByArgument {}
extension SyntheticModel.Scale: ExpressibleByArgument {}
extension Weights.ElementType: ExpressibleByArgument {}
