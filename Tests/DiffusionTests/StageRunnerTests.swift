import Diffusion
import Foundation
import TensorEngine
import Testing

@Suite struct StageRunnerTests {
    let runner: StageRunner
    let request = RenderRequest(
        prompt: "a penguin", seed: 3, size: 256, steps: ["prior": 4, "base64": 5, "up256": 4])

    init() throws { runner = try StageRunner(cascade: try TestModel.cascade(), threads: 2) }

    /// A stage's failure in words; empty where it succeeds.
    private func failure(
        _ stage: String, _ request: RenderRequest, _ input: [UInt8]?,
        _ onStep: (StepProgress) throws(StageInterruption) -> Void = { _ in }
    ) -> String {
        do throws(StageError) {
            _ = try runner.run(stage: stage, request: request, input: input, onStep: onStep)
            return ""
        } catch {
            return error.description
        }
    }

    @Test func stepsAllocateNothingAfterTheFirst() throws {
        let prior = try runner.run(stage: "prior", request: request, input: nil) { _ in }
        var blob: [UInt8]? = prior.blob
        for stage in ["base64", "up256"] {
            var allocations: [Int] = []
            let result = try runner.run(stage: stage, request: request, input: blob) { _ in
                allocations.append(runner.context.allocations)
            }
            blob = result.blob
            #expect(allocations.count == request.steps[stage])
            #expect(Set(allocations.dropFirst()).count == 1, "\(stage): \(allocations)")
        }
    }

    @Test func progressCountsEveryStep() throws {
        var seen: [StepProgress] = []
        _ = try runner.run(stage: "prior", request: request, input: nil) { seen.append($0) }
        #expect(seen == (1...4).map { StepProgress(step: $0, steps: 4) })
    }

    @Test func aThrowingCallbackEndsTheStage() {
        var steps = 0
        let failure = failure("prior", request, nil) { _ throws(StageInterruption) in
            steps += 1
            if steps == 2 { throw StageInterruption() }
        }
        #expect(steps == 2)
        #expect(failure == "The stage was interrupted.")
    }

    @Test func weightsThatMeanNothingGiveAnErrorAndNoPicture() throws {
        let file = "prior/diffusion_pytorch_model.safetensors"
        var bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(TestModel.folder)/\(file)")))
        let header = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) } + 8
        for place in stride(from: header, to: bytes.count - 1, by: 2) {
            (bytes[place], bytes[place + 1]) = (0xff, 0x7f)  // not a number in f16
        }
        let model = try ChangedModel([file: .bytes(bytes)])
        let runner = try StageRunner(cascade: try model.cascade(), threads: 1)
        do throws(StageError) {
            _ = try runner.run(stage: "prior", request: request, input: nil) { _ in }
            Issue.record("a result")
        } catch {
            #expect(error.description.contains("not finite in step 1"))
        }
        withExtendedLifetime(model) {}
    }

    @Test func wrongOrdersAreExplained() {
        var tooFew = request
        tooFew.steps["prior"] = 1
        #expect(failure("up512", request, nil).contains("no stage up512; its stages are prior, base64"))
        #expect(failure("base64", request, nil).contains("needs the result of the stage before it"))
        #expect(failure("prior", tooFew, nil).contains("cannot run 1 steps; use 2 to 1000"))
    }

    @Test func wrongInputsAreExplained() {
        func blob(_ name: String, _ shape: [Int], _ value: Float = 0) -> [UInt8] {
            let values = [Float](repeating: value, count: shape.reduce(1, *))
            return SafetensorsWriter.bytes([.init(name: name, shape: shape, values: values)])
        }
        #expect(failure("base64", request, [1, 2, 3]).contains("cannot use the result"))
        #expect(failure("base64", request, blob("image", [1, 256])).contains("no tensor \"image_embeds\""))
        #expect(
            failure("base64", request, blob("image_embeds", [1, 255])).contains("[1, 255], not [1, 256]"))
        #expect(failure("base64", request, blob("image_embeds", [1, 256], .nan)).contains("not finite"))
        #expect(failure("up256", request, blob("image", [1, 3, 32, 32])).contains("[1, 3, 32, 32]"))
    }

    @Test func aTensorOfAnotherShapeIsNamed() throws {
        let path = "text_encoder/model.safetensors"
        let file = try SafetensorsFile(path: "\(TestModel.folder)/\(path)")
        let name = "text_model.final_layer_norm.bias"
        let tensors = try file.entries.map { tensor, entry in
            let values = try file.floats(tensor)
            let shape = tensor == name ? [2, values.count / 2] : entry.shape
            return SafetensorsWriter.Tensor(name: tensor, shape: shape, values: values)
        }
        let model = try ChangedModel([path: .bytes(SafetensorsWriter.bytes(tensors))])
        let broken = try StageRunner(cascade: try model.cascade(), threads: 1)
        let error = try #require(throws: StageError.self) {
            try broken.run(stage: "prior", request: request, input: nil) { _ in }
        }
        #expect(error.description.contains("\(path): tensor “\(name)” has shape [2, 128]"))
    }

    @Test func aLongPromptIsCutWithAWarning() throws {
        var long = request
        long.prompt = String(repeating: "apple ", count: 100)
        let result = try runner.run(stage: "prior", request: long, input: nil) { _ in }
        #expect(result.warnings.count == 1)
        #expect(result.warnings.first?.contains("too long") == true)
        #expect(try runner.run(stage: "prior", request: request, input: nil) { _ in }.warnings.isEmpty)
    }

    @Test func picturesRoundHalfToEven() throws {
        // (x·0.5 + 0.5)·255 is 0, 127.5 → 128, 255 and, out of range, 255 and 0.
        let blob = SafetensorsWriter.bytes([
            .init(name: "image", shape: [1, 3, 1, 2], values: [-1, 0, 1, 2, -3, .nan])
        ])
        let picture = try StagePicture(blob: blob)
        #expect(picture.width == 2 && picture.height == 1)
        #expect(picture.rgb == [0, 255, 0, 128, 255, 0])
        #expect(throws: StageError.self) { try StagePicture(blob: Array(blob.dropLast())) }
    }
}
