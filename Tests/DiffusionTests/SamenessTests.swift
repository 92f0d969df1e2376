import Diffusion
import Imaging
import TensorEngine
import Testing

/// The same request gives the same bytes, however it is computed.
@Suite struct SamenessTests {
    let cascade: Cascade
    /// Few steps: enough for every layer to run with guidance and noise.
    static func request(_ precision: Precision) -> RenderRequest {
        RenderRequest(
            prompt: "a strawberry on a blue background", seed: 7, size: 256,
            steps: ["prior": 2, "base64": 2, "up256": 2], precision: precision)
    }

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

    @Test(arguments: Precision.allCases) func threadsDoNotChangeABit(_ precision: Precision) throws {
        let request = Self.request(precision)
        let one = try StageRunner(cascade: cascade, threads: 1)
        let expected = try hashes(one, request, stages: ["prior", "base64", "up256"])
        #expect(expected.count == 2)
        for threads in [2, 3] {
            let runner = try StageRunner(cascade: cascade, threads: threads)
            #expect(try hashes(runner, request, stages: ["prior", "base64", "up256"]) == expected)
        }
    }

    /// As networks of gigabytes run: skips wait alone, and unused memory goes back to the system.
    @Test func sparingMemoryDoesNotChangeABit() throws {
        let stages = ["prior", "base64", "up256"]
        let runner = try StageRunner(cascade: cascade, threads: 2)
        let expected = try hashes(runner, Self.request(.exact), stages: stages)
        runner.context.largeTensor = 1 << 16
        #expect(try hashes(runner, Self.request(.exact), stages: stages) == expected)
    }

    @Test(arguments: Precision.allCases) func pathsDoNotChangeABit(_ precision: Precision) throws {
        let request = Self.request(precision)
        var byPath: [KernelPath: [String]] = [:]
        for path in KernelPath.allCases where path.isAvailable {
            let runner = try StageRunner(cascade: cascade, threads: 2, path: path)
            byPath[path] = try hashes(runner, request, stages: ["prior", "base64"])
        }
        #expect(Set(byPath.values).count == 1, "\(byPath)")
        for path in [KernelPath.avx2, .avx512] where path.isAvailable {
            let runner = try StageRunner(cascade: cascade, threads: 2, path: path)
            byPath[path] = try hashes(runner, request, stages: ["prior", "base64", "up256"])
        }
        #expect(Set(byPath.values.filter { $0.count == 2 }).count <= 1, "\(byPath)")
    }

    @Test(arguments: Precision.allCases)
    func aStageGivesTheSameBytesOnAnyRunner(_ precision: Precision) throws {
        let request = Self.request(precision)
        let first = try StageRunner(cascade: cascade, threads: 2)
        let expected = try hashes(first, request, stages: ["prior", "base64"])
        // Other requests in between, of both precisions, and each stage on a runner of its own.
        for other in Precision.allCases {
            _ = try hashes(first, Self.request(other), stages: ["prior", "base64"])
        }
        _ = try hashes(
            first, RenderRequest(prompt: "a frog", seed: 1, size: 64, steps: request.steps),
            stages: ["prior", "base64"])
        #expect(try hashes(first, request, stages: ["prior", "base64"]) == expected)
        let prior = try first.run(stage: "prior", request: request, input: nil) { _ in }
        let other = try StageRunner(cascade: cascade, threads: 1)
        let result = try other.run(stage: "base64", request: request, input: prior.blob) { _ in }
        let picture = try StagePicture(blob: result.blob)
        let image = PixelImage(width: picture.width, height: picture.height, rgb: picture.rgb)
        #expect(image?.pixelHash == expected.first)
    }

    /// Fast mode is another picture, but a near one.
    @Test func fastIsNearExact() throws {
        let runner = try StageRunner(cascade: cascade, threads: 2)
        func picture(_ precision: Precision) throws -> StagePicture {
            var blob: [UInt8]?
            for stage in ["prior", "base64", "up256"] {
                let request = Self.request(precision)
                blob = try runner.run(stage: stage, request: request, input: blob) { _ in }.blob
            }
            return try StagePicture(blob: blob ?? [])
        }
        let (exact, fast) = (try picture(.exact).rgb, try picture(.fast).rgb)
        #expect(exact != fast)
        let squares = zip(exact, fast).reduce(0) { $0 + (Int($1.0) - Int($1.1)) * (Int($1.0) - Int($1.1)) }
        #expect(Double(squares) / Double(exact.count) < 255 * 255 * 1e-4, "40 dB")
    }
}
