import Foundation
import Testing

/// What `--json` says of a job.
struct StatusTests {
    private struct Status: Decodable {
        let state: String
        let submitted: String
        let waiting: [Reason]

        struct Reason: Decodable { let tasks: Int }
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
}
