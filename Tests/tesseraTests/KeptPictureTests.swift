import Foundation
import Testing

/// What `fetch` and `verify` do about folders of other jobs and about pictures that the coordinator lost.
struct KeptPictureTests {
    private let farm: TestFarm
    private let folder: TemporaryFolder

    private static let sampling = ["--size", "64", "--steps", "prior=2", "--steps", "base64=2"]

    /// A farm of one worker, whose job 1 has three finished pictures.
    init() throws {
        farm = try TestFarm()
        folder = try TemporaryFolder()
        try farm.startCoordinator()
        try farm.startWorker(1)
        let submitted = try submit("--count", "3", "--wait", "--connect-timeout", "60")
        try #require(submitted.status == 0, "\(submitted.error)")
    }

    private func submit(_ options: String...) throws -> TesseraProcess.Result {
        let arguments = ["submit", "-", "--connect", farm.address] + Self.sampling + options
        return try TesseraProcess(arguments, input: Array("a strawberry".utf8)).wait()
    }

    /// The file of a blob at the coordinator.
    private func blob(_ line: Int, of out: String) throws -> String {
        struct Line: Decodable { let png: String }
        let text = try String(contentsOfFile: out + "/manifest.jsonl", encoding: .utf8)
        let lines = text.split(separator: "\n")
        let hex = try JSONDecoder().decode(Line.self, from: Data(lines[line].utf8)).png
        return "\(farm.data)/blobs/\(hex.prefix(2))/\(hex.dropFirst(2))"
    }

    private func contents(_ out: String) throws -> [String: Data] {
        var contents: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: out) {
            contents[name] = try Data(contentsOf: URL(filePath: "\(out)/\(name)"))
        }
        return contents
    }

    @Test func aFolderOfAnotherJobIsNotTouched() throws {
        let out = folder.path("pictures")
        #expect(try submit("--seed", "9").out == "2\n")
        let first = try farm.client("fetch", "1", "--out", out)
        #expect(first.status == 0, "\(first.error)")
        let before = try contents(out)
        #expect(before.count == 5)
        let second = try farm.client("fetch", "2", "--out", out)
        #expect(second.status == 1)
        #expect(second.error.contains("\(out) holds 000001.png of job 1,"), "\(second.error)")
        let third = try submit("--wait", "--out", out)
        #expect(third.status == 1)
        #expect(third.error.contains("\(out) holds 000001.png of job 1,"), "\(third.error)")
        #expect(third.out.isEmpty)
        // Nothing was submitted.
        #expect(try farm.client("status", "3").status == 64)
        #expect(try contents(out) == before)
        #expect(try farm.client("fetch", "1", "--out", out).status == 0)
        #expect(try contents(out) == before)
        try farm.stop()
    }

    @Test func lostAndChangedPicturesAreFoundAndTheOthersFetched() throws {
        let whole = folder.path("whole")
        #expect(try farm.client("fetch", "1", "--out", whole).status == 0)
        let sound = try farm.client("verify", "1")
        #expect(sound.status == 0, "\(sound.error)")
        #expect(sound.error.contains("3 of 3 pictures are what their requests give."), "\(sound.error)")

        try FileManager.default.removeItem(atPath: try blob(0, of: whole))
        try Data([1, 2, 3]).write(to: URL(filePath: try blob(1, of: whole)))
        let out = folder.path("rest")
        let fetched = try farm.client("fetch", "1", "--out", out)
        #expect(fetched.status == 1)
        let list = "1 (the coordinator does not have it), 2 (its bytes do not match their hash)"
        #expect(fetched.error.contains(list), "\(fetched.error)")
        #expect(fetched.error.contains("tessera doctor --data DIR --repair"), "\(fetched.error)")
        let rest = try contents(out)
        #expect(rest["000003.png"] == (try contents(whole)["000003.png"]))
        #expect(Set(rest.keys) == ["000003.png", "manifest.jsonl", ".tessera-job"])

        let faulty = try farm.client("verify", "1")
        #expect(faulty.status == 1)
        #expect(faulty.error.contains("1 of 3 pictures are what their requests give."), "\(faulty.error)")
        #expect(faulty.error.contains(list), "\(faulty.error)")
        try repair(whole)
        try farm.stop()
    }

    /// What the error says to do brings everything back.
    private func repair(_ whole: String) throws {
        _ = try farm.coordinator?.stop()
        let doctor = try TesseraProcess.run("doctor", "--data", farm.data, "--repair")
        #expect(doctor.status == 0, "\(doctor.out)\(doctor.error)")
        try farm.startCoordinator()
        let out = folder.path("rest")
        let again = try farm.client("fetch", "1", "--wait", "--out", out, "--connect-timeout", "60")
        #expect(again.status == 0, "\(again.error)")
        for name in ["000001.png", "000002.png", "000003.png"] {
            #expect(try contents(out)[name] == contents(whole)[name])
        }
    }
}
