import Foundation
import Imaging
import Testing

/// One request, one picture: whatever the threads, the vector width, and who rendered it.
struct SamenessTests {
    private static let prompt = "a cat to the left of a pizza on a green background"
    private static let options = [
        "--size", "256", "--seed", "2", "--steps", "prior=4", "--steps", "base64=4",
    ]

    private static func renderedHash(
        threads: Int, kernels: String?, precision: String = "exact"
    ) throws -> String {
        struct Report: Decodable { let pixelHash: String }
        let folder = try TemporaryFolder()
        let arguments = [
            "render", prompt, "--model", Fixtures.model.path(), "--out", folder.path("picture.png"), "--json",
            "--threads", "\(threads)", "--precision", precision,
        ]
        let environment = kernels.map { ["TESSERA_KERNELS": $0] } ?? [:]
        let result = try TesseraProcess(arguments + options, environment: environment).wait()
        try #require(result.status == 0, "\(result.error)")
        let report = try JSONDecoder().decode(Report.self, from: Data(result.out.utf8))
        let file = try Data(contentsOf: folder.url("picture.png"))
        let (image, texts) = try PNG.decode([UInt8](file))
        #expect(image.pixelHash == report.pixelHash)
        #expect(texts.contains { $0.text.contains("\"precision\":\"\(precision)\"") })
        return report.pixelHash
    }

    /// The farm's pictures of the same request twice (seeds 2 and 3), so that two workers share the work.
    private static func farmHashes(workers: Int, precision: String = "exact") throws -> [String] {
        let farm = try TestFarm()
        let folder = try TemporaryFolder()
        try farm.startCoordinator()
        for number in 1...workers { try farm.startWorker(number) }
        let arguments =
            ["submit", "-", "--wait", "--count", "2", "--out", folder.path("out"), "--connect", farm.address]
            + ["--connect-timeout", "60", "--precision", precision] + options
        let result = try TesseraProcess(arguments, input: Array(prompt.utf8)).wait()
        try #require(result.status == 0, "\(result.error)")
        try farm.stop()
        let lines = try ManifestLine.read(folder.path("out"))
        #expect(lines.allSatisfy { $0.precision == precision })
        return try lines.map { try #require($0.pixels) }
    }

    @Test func threadsVectorWidthAndFarmDoNotChangeAByte() throws {
        let features = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
        let reference = try Self.renderedHash(threads: 1, kernels: nil)
        #expect(try Self.renderedHash(threads: 2, kernels: nil) == reference)
        if features.contains(" avx2 ") {
            #expect(try Self.renderedHash(threads: 2, kernels: "avx2") == reference)
        }
        if features.contains(" avx512f ") {
            #expect(try Self.renderedHash(threads: 2, kernels: "avx512") == reference)
        }
        let alone = try Self.farmHashes(workers: 1)
        #expect(alone.first == reference)
        #expect(try Self.farmHashes(workers: 2) == alone)
    }

    @Test func fastPicturesAreTheSameOnTheFarm() throws {
        let fast = try Self.renderedHash(threads: 1, kernels: nil, precision: "fast")
        #expect(try Self.renderedHash(threads: 2, kernels: nil, precision: "fast") == fast)
        #expect(try Self.renderedHash(threads: 2, kernels: nil) != fast)
        #expect(try Self.farmHashes(workers: 2, precision: "fast").first == fast)
    }

    @Test func verifyAcceptsAPictureAndRefusesAChangedOne() throws {
        let folder = try TemporaryFolder()
        let picture = folder.path("picture.png")
        let rendered = try TesseraProcess.run(
            "render", "一个小草莓,白色背景", "--model", Fixtures.model.path(), "--size", "64", "--steps", "prior=3",
            "--steps", "base64=3", "--out", picture)
        try #require(rendered.status == 0, "\(rendered.error)")
        #expect(try TesseraProcess.run("verify", picture).status == 0)

        let (image, texts) = try PNG.decode([UInt8](Data(contentsOf: folder.url("picture.png"))))
        var rgb = image.rgb
        rgb[0] ^= 1
        let changed = try #require(PixelImage(width: image.width, height: image.height, rgb: rgb))
        let other = try folder.file("changed.png", PNG.encode(changed, texts: texts))
        let refused = try TesseraProcess.run("verify", other)
        #expect(refused.status == 1)
        #expect(refused.error.contains(other), "\(refused.error)")
    }

    @Test func anUnknownKernelPathIsRefused() throws {
        let folder = try TemporaryFolder()
        let result = try TesseraProcess.run(
            "render", "a cat", "--model", Fixtures.model.path(), "--out", folder.path("picture.png"),
            environment: ["TESSERA_KERNELS": "avx1024"])
        #expect(result.status == 64)
        #expect(result.error.contains("TESSERA_KERNELS"), "\(result.error)")
    }
}
