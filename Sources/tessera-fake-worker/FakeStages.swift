package import Farm
internal import Foundation
package import Worker

/// An engine whose results are real files with bytes that follow from the task alone.
///
/// Prompts steer it: "fail" fails, "endless" steps until it is stopped, all others take three steps.
package final class FakeStages: StageRunning {
    private let stepSeconds: Double?

    /// An engine whose steps take so long; nil: no time at all, though it says 1.5 seconds a stage.
    package init(stepSeconds: Double? = nil) { self.stepSeconds = stepSeconds }

    package func run(_ task: StageTask, onStep: (_ step: Int, _ steps: Int) -> Bool) throws(StageFailure)
        -> StageOutput
    {
        let request = task.assignment.request
        if request.prompt == "fail" { throw .failed("The model ran out of paint.") }
        var step = 0
        repeat {
            if let stepSeconds { Thread.sleep(forTimeInterval: stepSeconds) }
            step = min(step + 1, 999)
            if !onStep(step, request.prompt == "endless" ? 1000 : 3) { throw .interrupted }
        } while request.prompt == "endless" || step < 3
        let blob = Self.blob(request, task.assignment.stage, input: task.input)
        return StageOutput(
            blob: blob, warnings: ["The \(request.prompt) is fake."],
            seconds: stepSeconds.map { 3 * $0 } ?? 1.5, loadSeconds: 0.25)
    }

    /// A safetensors file with an "image" of noise, of the request's size.
    package static func blob(_ request: ImageRequest, _ stage: StageName, input: [UInt8]?) -> [UInt8] {
        var state = request.seed &+ 0x9E37_79B9_7F4A_7C15
        for byte in Array(request.prompt.utf8) + Array(stage.text.utf8) + (input ?? []) {
            state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
        }
        let side = request.options.size
        let bytes = 3 * side * side * 4
        let header = Array(
            #"{"image":{"dtype":"F32","shape":[1,3,\#(side),\#(side)],"data_offsets":[0,\#(bytes)]}}"#.utf8)
        var blob = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header
        blob.reserveCapacity(blob.count + bytes)
        for index in 0..<UInt64(bytes / 4) {
            let value = Float((state &* (2 * index + 1)) >> 48) / 32_768 - 1
            withUnsafeBytes(of: value.bitPattern.littleEndian) { blob.append(contentsOf: $0) }
        }
        return blob
    }
}
