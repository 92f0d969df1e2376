import Foundation
import Testing

/// Workers that may use little memory.
struct MemoryTests {
    private struct Status: Decodable {
        let images: Images
        let waiting: [Reason]

        struct Images: Decodable { let done: Int }
        struct Reason: Decodable { let reason: String }
    }

    @Test(arguments: ["lots", "-1GiB", "8GX", "1e99TB", "0", "1MB", "99999999TiB"])
    func sizesThatAreNone(size: String) throws {
        let result = try TesseraProcess.run("worker", "--memory=\(size)")
        #expect(result.status == 64)
        #expect(result.error.contains("--memory"), "\(result.error)")
    }

    @Test func aWorkerThatCanServeNothingSaysWhatItNeeds() throws {
        let folder = try TemporaryFolder()
        let result = try TesseraProcess.run(
            "worker", "--memory", "2MiB", "--model", Fixtures.model.path(), "--cache", folder.path("worker"))
        #expect(result.status != 0)
        #expect(result.error.contains("No stage fits into the 2 MiB"), "\(result.error)")
    }

    @Test func aStageThatDoesNotFitIsLeftToOthers() throws {
        let farm = try TestFarm()
        try farm.startCoordinator()
        try farm.startWorker(1, options: ["--memory", "200MiB"])
        for size in ["64", "1024"] {
            let submitted = try farm.client(
                "submit", "-", "--size", size, "--seed", size, "--connect-timeout", "30",
                input: Array("a cat\n".utf8))
            #expect(submitted.status == 0, "\(submitted.error)")
        }
        var large = try status(farm, "2")
        for _ in 0..<600 where large.waiting.first?.reason.contains("up1024") != true {
            usleep(100_000)
            large = try status(farm, "2")
        }
        #expect(large.waiting.first?.reason == "no connected worker has the memory that up1024 needs")
        #expect(large.images.done == 0)
        #expect(try status(farm, "1").images.done == 1)
        try farm.stop()
    }

    private func status(_ farm: TestFarm, _ job: String) throws -> Status {
        let reply = try farm.client("status", job, "--json")
        return try JSONDecoder().decode(Status.self, from: Data(reply.out.utf8))
    }
}
