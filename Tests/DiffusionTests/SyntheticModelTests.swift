import Diffusion
import Foundation
import TensorEngine
import Testing

@Suite struct SyntheticModelTests {
    /// A folder that goes with the test.
    final class Folder {
        let path = FileManager.default.temporaryDirectory.appending(path: "synthetic-\(UUID().uuidString)")
            .path(percentEncoded: false)
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    let context: ComputeContext

    init() throws { context = try ComputeContext(threads: 2) }

    private func write(
        _ architecture: SyntheticModel.Architecture, seed: UInt64 = 0, type: Weights.ElementType = .f16
    ) throws -> Folder {
        let folder = Folder()
        let model = SyntheticModel(architecture: architecture, scale: .tiny, seed: seed, type: type)
        _ = try model.write(to: folder.path, context: context)
        return folder
    }

    @Test(arguments: SyntheticModel.Architecture.allCases, Weights.ElementType.allCases)
    func everyWeightIsThere(architecture: SyntheticModel.Architecture, type: Weights.ElementType) throws {
        let folder = try write(architecture, type: type)
        let verification = ModelVerification(try Cascade(folder: folder.path))
        #expect(verification.problems == [])
        #expect(verification.values > 3_000_000)
    }

    @Test func theSeedDecides() throws {
        let folders = [try write(.karlo, seed: 1), try write(.karlo, seed: 1), try write(.karlo, seed: 2)]
        let hashes = try folders.map { try Cascade(folder: $0.path).description.hash }
        #expect(hashes[0] == hashes[1])
        #expect(hashes[0] != hashes[2])
    }

    @Test func predictionsKeepTheOrderOfOne() throws {
        let folder = try write(.karlo)
        let runner = try StageRunner(cascade: try Cascade(folder: folder.path), threads: 2)
        var sizes: [Float] = []
        runner.onPrediction = { _, output in
            sizes.append((output.reduce(0) { $0 + $1 * $1 } / Float(output.count)).squareRoot())
        }
        let request = RenderRequest(
            prompt: "x", seed: 1, size: 64, steps: ["prior": 2, "base16": 2, "up64": 2], guidance: 1)
        var blob: [UInt8]?
        for stage in try runner.cascade.description.stages(forSize: 64) {
            blob = try runner.run(stage: stage.name, request: request, input: blob) { _ in }.blob
        }
        #expect(sizes.count == 6)
        #expect(sizes.allSatisfy { (0.05...5).contains($0) }, "\(sizes)")
    }

    /// Each stage's first prediction, as `ops/bench/parity.py --write` had it from PyTorch and diffusers.
    @Test func diffusersPredictsTheSame() throws {
        let folder = try write(.karlo, type: .f32)
        let golden = try SafetensorsFile(path: Golden.folder + "/karlo-tiny.safetensors")
        let runner = try StageRunner(cascade: try Cascade(folder: folder.path), threads: 2)
        for stage in runner.cascade.stages {
            var predicted: [Float] = []
            runner.onPrediction = { _, output in predicted = output }
            _ = try StageBenchmark(runner: runner).run(stage, steps: 1)
            let expected = try golden.floats(stage.description.name)
            try #require(predicted.count == expected.count)
            let error = zip(predicted, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            let size = expected.reduce(0) { $0 + $1 * $1 }
            #expect((error / size).squareRoot() < 1e-5, "\(stage.description.name)")
        }
    }

    @Test func aFolderInUseIsRefused() throws {
        let folder = try write(.karlo)
        let model = SyntheticModel(architecture: .karlo, scale: .tiny, seed: 0, type: .f16)
        #expect(throws: SynthesisError.notEmpty(folder: folder.path)) {
            try model.write(to: folder.path, context: context)
        }
        let missing = folder.path + "/model_index.json/model"
        #expect(throws: SynthesisError.self) { try model.write(to: missing, context: context) }
    }
}
