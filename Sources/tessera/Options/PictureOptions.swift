import ArgumentParser
import Client
import Diffusion
import Farm

/// What can be asked of a picture besides its prompt; the same for one picture and for a batch.
struct PictureOptions: ParsableArguments {
    @Option(help: "Height and width in pixels: 64, 256 or 1024.")
    var size = 1024

    @Option(help: "Seed of the (first) picture; the same seed gives the same picture on every machine.")
    var seed: UInt64 = 0

    @Option(
        help: ArgumentHelp(
            "Sampling steps of one stage instead of the model's; may be repeated.", valueName: "stage=n"))
    var steps: [String] = []

    @Option(help: "How strongly the 64-pixel stage follows the prompt; the model's own when not given.")
    var guidance: Double?

    @Option(help: "How to compute: 'exact' in f32, or 'fast' with 16-bit integers where it pays.")
    var precision: Precision = .exact

    /// `--steps base64=10 --steps up256=4` as a table.
    func stepsByStage() throws -> [String: Int] {
        steps.isEmpty ? [:] : try RequestCheck.steps(steps.joined(separator: ","))
    }

    /// The options as a request for one picture.
    func request(prompt: String) throws -> RenderRequest {
        RenderRequest(
            prompt: try RequestCheck.prompt(prompt), seed: seed, size: size, steps: try stepsByStage(),
            guidance: guidance, precision: precision)
    }
}

extension Precision: ExpressibleByArgument {}
