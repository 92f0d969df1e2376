import Foundation
import Testing

/// The farm's promise with real processes, real sockets and real SIGKILL: nothing is lost, nothing comes
/// twice, and no byte differs from an undisturbed run.
///
/// TESSERA_CHAOS_IMAGES sets the number of images; 500 takes some minutes on two cores.
struct KilledProcessesTests {
    private static let images =
        ProcessInfo.processInfo.environment["TESSERA_CHAOS_IMAGES"].flatMap(Int.init) ?? 48

    private static let prompts = [
        "a strawberry on a blue background", "黄色背景上的企鹅", "a big rocket, black background",
        "a frog above a star, purple background",
    ]

    /// Submits the images, disturbs the farm, and gives the manifest's lines.
    private static func render(
        workers: Int, disturb: (TestFarm, _ done: (Int) async throws -> Void) async throws -> Void
    ) async throws -> [ManifestLine] {
        let farm = try TestFarm()
        let out = try TemporaryFolder()
        try farm.startCoordinator()
        for number in 1...workers { try farm.startWorker(number) }
        let file = try out.file("prompts.txt", prompts.joined(separator: "\n"))
        let count = (images + prompts.count - 1) / prompts.count
        let submitted = try farm.client(
            "submit", file, "--count", "\(count)", "--size", "64", "--steps", "prior=5", "--steps",
            "base64=5",
            "--seed", "7", "--connect-timeout", "60")
        #expect(submitted.status == 0, "\(submitted.error)")
        let job = submitted.out.trimmingCharacters(in: .whitespacesAndNewlines)

        try await disturb(farm) { wanted in
            while try doneImages(farm, job: job) < wanted { try await Task.sleep(for: .milliseconds(50)) }
        }
        let fetched = try farm.client("fetch", job, "--wait", "--out", out.path("pictures"))
        #expect(fetched.status == 0, "\(fetched.error)")
        let manifest = try ManifestLine.read(out.path("pictures"))
        let pictures = try FileManager.default.contentsOfDirectory(atPath: out.path("pictures"))
            .filter { $0.hasSuffix(".png") }
        #expect(manifest.count == count * prompts.count)
        #expect(pictures.count == manifest.count)
        try farm.stop()
        return manifest
    }

    private static func doneImages(_ farm: TestFarm, job: String) throws -> Int {
        struct Status: Decodable {
            struct Images: Decodable { let done: Int }
            let images: Images
        }
        let reply = try farm.client("status", job, "--json")
        guard reply.status == 0 else { return 0 }
        return try JSONDecoder().decode(Status.self, from: Data(reply.out.utf8)).images.done
    }

    @Test(.timeLimit(.minutes(45)))
    func everyImageIsThereOnceWithTheHashesOfAnUndisturbedRun() async throws {
        let calm = try await Self.render(workers: 1) { _, _ in }
        let total = calm.count
        let killed = try await Self.render(workers: 2) { farm, done in
            try await done(total / 8)
            try farm.killWorker(1)
            try farm.startWorker(1)
            try await done(total / 4)
            try farm.killWorker(2)
            try farm.startWorker(2)
            try await done(total / 3)
            try farm.killCoordinator()
            try farm.startCoordinator()
            try await done(total / 2)
            try farm.killWorker(1)
            try farm.startWorker(1)
        }
        #expect(Set(calm.map(\.seed)).count == total)
        #expect(killed == calm)
        #expect(killed.allSatisfy { $0.pixels?.count == 64 })
    }
}
