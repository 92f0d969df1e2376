internal import Farm
internal import Foundation

/// A line of a job's manifest: everything about one image.
struct ManifestLine: Encodable {
    private struct Stage: Encodable {
        let stage: String
        let seconds: Double
        let worker: String
        let attempt: Int
    }

    private let image: Int
    private let file: String?
    private let state: String
    private let prompt: String
    private let seed: UInt64
    private let size: Int
    private let steps: [String: Int]
    private let guidance: Double?
    private let precision: String
    private let model: String
    private let modelHash: String?
    private let pixels: String?
    private let png: String?
    private let stages: [Stage]
    private let warnings: [String]
    private let error: String?

    /// - Parameter missing: why the finished picture could not be fetched; nil where it could.
    init(_ status: ImageStatus, of job: JobStatus, missing: String?) {
        image = status.index + 1
        let isHere = status.picture != nil && missing == nil
        file = isHere ? PictureFolder.name(ofImage: status.index) : nil
        state =
            switch status.state {
            case .waiting: "waiting"
            case .running: "running"
            case .done: "done"
            case .failed: "failed"
            case .cancelled: "cancelled"
            }
        prompt = status.request.prompt
        seed = status.request.seed
        size = status.request.options.size
        steps = Dictionary(
            status.request.options.steps.map { ($0.stage.text, $0.steps) }, uniquingKeysWith: { $1 })
        guidance = status.request.options.guidance
        precision =
            switch status.request.options.precision {
            case .exact: "exact"
            case .fast: "fast"
            }
        model = job.modelKey?.name ?? job.model
        modelHash = job.modelKey?.hash.hex
        pixels = status.pixels?.hex
        png = status.picture?.hex
        stages = status.stages.map { record in
            Stage(
                stage: record.stage.text, seconds: record.seconds, worker: record.worker.text,
                attempt: record.attempt)
        }
        warnings = status.warnings
        error = missing.map { "The picture could not be fetched: \($0)." } ?? status.error
    }

    /// The line with its end, the same bytes for the same image.
    var bytes: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let json = try? encoder.encode(self) else { return [] }
        return [UInt8](json) + [UInt8(ascii: "\n")]
    }
}
