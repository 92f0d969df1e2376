import Diffusion
import Foundation
import Imaging
import Worker

/// Renders requests in both precisions and compares the pictures.
struct PrecisionBenchmark {
    /// One request's outcome.
    struct Picture: Encodable {
        let prompt: String
        let seed: UInt64
        /// Of fast against exact in dB; 100 where they are equal.
        let psnr: Double
    }

    /// Mean seconds of one stage, without loading.
    struct Stage: Encodable {
        let name: String
        let exactSeconds: Double
        let fastSeconds: Double
    }

    struct Report: Encodable {
        let stages: [Stage]
        let pictures: [Picture]
        let worst: Picture
        let meanPSNR: Double
    }

    private static let things = [
        "a strawberry", "a frog", "a doughnut", "a penguin", "a sailboat", "a house", "a sunflower",
        "a rocket", "a cat to the left of a pizza", "a butterfly above a cactus",
    ]
    private static let places = ["blue", "white", "yellow", "green", "pink", "black", "orange", "purple"]
    /// Each thing in each place.
    static let mostRequests = things.count * places.count

    private let runner: StageRunner
    private let stages: [StageDescription]
    private let size: Int

    init(cascade: Cascade, size: Int, threads: Int) throws {
        stages = try cascade.description.stages(forSize: size)
        runner = try StageRunner(cascade: cascade, threads: threads)
        self.size = size
    }

    func run(count: Int, onPicture: (_ done: Int) -> Void) throws -> Report {
        var pictures: [Picture] = []
        var seconds: [Precision: [Double]] = [:]
        for precision in Precision.allCases {
            seconds[precision] = Array(repeating: 0, count: stages.count)
        }
        for index in 0..<count {
            let place = Self.places[(index / Self.things.count + index) % Self.places.count]
            let prompt = "\(Self.things[index % Self.things.count]) on a \(place) background"
            let seed = UInt64(index)
            var blobs: [Precision: [UInt8]] = [:]
            for (position, stage) in stages.enumerated() {
                for precision in Precision.allCases {
                    let request = RenderRequest(prompt: prompt, seed: seed, size: size, precision: precision)
                    let result = try runner.run(
                        stage: stage.name, request: request, input: blobs[precision]
                    ) { _ in }
                    blobs[precision] = result.blob
                    seconds[precision]?[position] += result.seconds / Double(count)
                }
            }
            let exact = try PixelImage(stageBlob: blobs[.exact] ?? [])
            let fast = try PixelImage(stageBlob: blobs[.fast] ?? [])
            pictures.append(Picture(prompt: prompt, seed: seed, psnr: Self.psnr(exact.rgb, fast.rgb)))
            onPicture(pictures.count)
        }
        let rows = stages.enumerated().map { position, stage in
            Stage(
                name: stage.name, exactSeconds: seconds[.exact]?[position] ?? 0,
                fastSeconds: seconds[.fast]?[position] ?? 0)
        }
        return Report(
            stages: rows, pictures: pictures,
            worst: pictures.min { $0.psnr < $1.psnr } ?? pictures[0],
            meanPSNR: pictures.reduce(0) { $0 + $1.psnr } / Double(pictures.count))
    }

    private static func psnr(_ a: [UInt8], _ b: [UInt8]) -> Double {
        let squares = zip(a, b).reduce(0) { $0 + (Int($1.0) - Int($1.1)) * (Int($1.0) - Int($1.1)) }
        guard squares > 0 else { return 100 }
        return min(100, 10 * log10(255 * 255 * Double(a.count) / Double(squares)))
    }
}
