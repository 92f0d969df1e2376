import Foundation
import Testing

/// What `--json` says of a job.
struct StatusTests {
    private struct Status: Decodable {
        let state: String
        let submitted: String
        let waiting: [Reason]
        let failures: [Failure]

        struct Reason: Decodable { let tasks: Int }

        struct Failure: Decodable {
            let image: Int
            let reason: String
        }
    }

    @Test func aNameCannotPretendToBeAnotherLine() throws {
        let farm = try TestFarm()
        try farm.startCoordinator()
        let submitted = try farm.client(
            "submit", "-", "--name", "a\n\u{1B}[2Jjob 2", "--connect-timeout", "30",
            input: Array("a cat\n".utf8))
        #expect(submitted.status == 0, "\(submitted.error)")
        for arguments in [["status", "1"], ["jobs"], ["pause", "1"]] {
            let reply = try TesseraProcess(arguments + ["--connect", farm.address]).wait()
            #expect(reply.out.contains("a  [2Jjob 2"), "\(reply.out)\(reply.error)")
            #expect(!reply.out.contains("\u{1B}"))
        }
        try farm.stop()
    }

    @Test func aJobWithoutWorkersWaitsSinceAPointInTimeThatOthersCanRead() throws {
        let farm = try TestFarm()
        try farm.startCoordinator()
        let began = Date(timeIntervalSinceNow: -1)
        let submitted = try farm.client(
            "submit", "-", "--size", "64", "--connect-timeout", "30", input: Array("a cat\n".utf8))
        #expect(submitted.status == 0, "\(submitted.error)")
        let reply = try farm.client("status", "1", "--json")
        let status = try JSONDecoder().decode(Status.self, from: Data(reply.out.utf8))
        #expect(status.state == "active")
        #expect(status.waiting.map(\.tasks) == [1])
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        let time = try Date(status.submitted, strategy: style)
        #expect(time > began && time < Date(timeIntervalSinceNow: 1))
        try farm.stop()
    }

    @Test func whyImagesFailedIsSaidToPeopleAndToPrograms() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(at: Fixtures.model, to: folder.url("model"))
        let file = try FileHandle(
            forUpdating: folder.url("model/prior/diffusion_pytorch_model.safetensors"))
        let length = try file.seekToEnd()
        try file.seek(toOffset: length - 100_000)
        try file.write(contentsOf: [UInt8](repeating: 0xFF, count: 100_000))
        try file.close()
        let farm = try TestFarm()
        try farm.startCoordinator()
        try farm.startWorker(1, options: ["--model", folder.path("model")])
        let submitted = try farm.client(
            "submit", "-", "--size", "64", "--steps", "prior=2", "--wait", "--connect-timeout", "30",
            input: Array("a cat\n".utf8))
        #expect(submitted.status == 1, "\(submitted.error)")
        let status = try JSONDecoder().decode(
            Status.self, from: Data(try farm.client("status", "1", "--json").out.utf8))
        let failure = try #require(status.failures.first)
        #expect(failure.image == 1)
        #expect(failure.reason.contains("prior"), "\(failure.reason)")
        let text = try farm.client("status", "1").out
        #expect(text.contains("image 1 failed: \(failure.reason)"), "\(text)")
        try farm.stop()
    }
}
