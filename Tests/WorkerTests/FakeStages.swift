import Farm
import Worker

/// An engine whose results are real files with bytes that follow from the task alone.
///
/// Prompts steer it: "fail" fails, "endless" steps until it is stopped, all others take three steps.
final class FakeStages: StageRunning {
    func run(_ task: StageTask, onStep: (_ step: Int, _ steps: Int) -> Bool) throws(StageFailure)
        -> StageOutput
    {
        let prompt = task.assignment.request.prompt
        if prompt == "fail" { throw .failed("The model ran out of paint.") }
        var step = 0
        repeat {
            step = min(step + 1, 999)
            if !onStep(step, prompt == "endless" ? 1000 : 3) { throw .interrupted }
        } while prompt == "endless" || step < 3
        let blob = FakeStages.blob(task.assignment.request, task.assignment.stage, input: task.input)
        return StageOutput(blob: blob, warnings: ["The \(prompt) is fake."], seconds: 1.5, loadSeconds: 0.25)
    }

    /// A safetensors file with an "image" of 4×4 pixels.
    static func blob(_ request: ImageRequest, _ stage: StageName, input: [UInt8]?) -> [UInt8] {
        var state = request.seed &+ 0x9E37_79B9_7F4A_7C15
        for byte in Array(request.prompt.utf8) + Array(stage.text.utf8) + (input ?? []) {
            state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
        }
        let values = (0..<48).map { index in
            Float(Int((state &* (2 * UInt64(index) + 1)) >> 48)) / 32_768 - 1
        }
        let header = Array(#"{"image":{"dtype":"F32","shape":[1,3,4,4],"data_offsets":[0,192]}}"#.utf8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
        return length + header
            + values.flatMap { value in
                (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
            }
    }
}
