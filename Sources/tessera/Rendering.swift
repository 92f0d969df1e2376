import Diffusion
import Imaging
import Worker

/// A picture rendered in this process, all stages of its cascade one after another.
struct Rendering {
    /// How long one stage took, in seconds.
    struct StageTime: Encodable {
        let name: String
        let seconds: Double
        let loadSeconds: Double
    }

    let image: PixelImage
    /// The PNG file, with the request as text metadata.
    let png: [UInt8]
    let stages: [StageTime]
    let warnings: [String]

    /// Renders `request`; `onStep` gets the sampling steps done over all stages, their total, and the stage.
    static func run(
        _ request: RenderRequest, cascade: Cascade, threads: Int,
        onStep: (_ done: Int, _ total: Int, _ stage: String) throws(StageInterruption) -> Void
    ) throws -> Rendering {
        try request.check(for: cascade)
        let plan = try cascade.description.stages(forSize: request.size)
        let total = plan.reduce(0) { $0 + request.steps(of: $1) }
        let runner = try StageRunner(cascade: cascade, threads: threads)
        var (blob, done) = ([UInt8]?.none, 0)
        var (times, warnings) = ([StageTime](), [String]())
        for stage in plan {
            let result = try runner.run(stage: stage.name, request: request, input: blob) {
                (progress) throws(StageInterruption) in
                try onStep(done + progress.step, total, stage.name)
            }
            done += request.steps(of: stage)
            blob = result.blob
            warnings += result.warnings.filter { !warnings.contains($0) }
            times.append(
                StageTime(name: stage.name, seconds: result.seconds, loadSeconds: result.loadSeconds))
        }
        let image = try PixelImage(stageBlob: blob ?? [])
        let record = PictureRecord(request: request, model: cascade.description)
        return Rendering(
            image: image, png: try PNG.encode(image, texts: record.texts), stages: times, warnings: warnings)
    }
}
