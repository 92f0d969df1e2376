import Diffusion
import Imaging
import TensorEngine
import Testing

/// The same request gives the same bytes, however it is computed.
@Suite struct SamenessTests {
    let cascade: Cascade
    /// Few steps: enough for every layer to run with guidance and noise.
    static let request = RenderRequest(
        prompt: "a red apple on a blue background", seed: 7, size: 256,
        steps: ["prior": 2, "base64": 2, "up256": 2])

    init() throws { cascade = try TestModel.cascade() }

    /// SHA-256 of the picture after each image stage.
    private func hashes(_ runner: StageRunner, _ request: RenderRequest, stages: [String]) throws -> [String]
    {
        var blob: [UInt8]?
        var hashes: [String] = []
        for stage in stages {
            let result = try runner.run(stage: stage, request: request, input: blob) { _ in }
            blob = result.blob
            guard stage != "prior" else { continue }
            let picture = try StagePicture(blob: result.blob)
            let image = PixelImage(width: picture.width, height: picture.height, rgb: picture.rgb)
            hashes.append(image?.pixelHash ?? "no picture")
        }
        return hashes
    }

    @Test func threadsDoNotChangeABit() throws {
        let one = try StageRunner(cascade: cascade, threads: 1)
        let expected = try hashes(one, Self.request, stages: ["prior", "base64", "up256"])
        #expect(expected.count == 2)
        for threads in [2, 3] {
            let runner = try StageRunner(cascade: cascade, threads: threads)
            #expect(try hashes(runner, Self.request, stages: ["prior", "base64", "up256"]) == expected)
        }
    }

    @Test func pathsDoNotChangeABit() throws {
        var byPath: [KernelPath: [String]] = [:]
        for path in KernelPath.allCases where path.isAvailable {
            let runner = try StageRunner(cascade: cascade, threads: 2, path: path)
            byPath[path] = try hashes(runner, Self.request, stages: ["prior", "base64"])
        }
        #expect(Set(byPath.values).count == 1, "\(byPath)")
        for path in [KernelPath.avx2, .avx512] where path.isAvailable {
            let runner = try StageRunner(cascade: cascade, threads: 2, path: path)
            byPath[path] = try hashes(runner, Self.request, stages: ["prior", "base64", "up256"])
        }
        #expect(Set(byPath.values.filter { $0.count == 2 }).count <= 1, "\(byPath)")
    }

    @Test func aStageGivesTheSameBytesOnAnyRunner() throws {
        let first = try StageRunner(cascade: cascade, threads: 2)
        let expected = try hashes(first, Self.request, stages: ["prior", "base64"])
        // Another request in between, and each stage on a runner of its own.
        _ = try hashes(
            first, RenderRequest(prompt: "a fox", seed: 1, size: 64, steps: Self.request.steps),
            stages: ["prior", "base64"])
        #expect(try hashes(first, Self.request, stages: ["prior", "base64"]) == expected)
        let prior = try first.run(stage: "prior", request: Self.request, input: nil) { _ in }
        let other = try StageRunner(cascade: cascade, threads: 1)
        let result = try other.run(stage: "base64", request: Self.request, input: prior.blob) { _ in }
        let picture = try StagePicture(blob: result.blob)
        let image = PixelImage(width: picture.width, height: picture.height, rgb: picture.rgb)
        #expect(image?.pixelHash == expected.first)
    }
}
