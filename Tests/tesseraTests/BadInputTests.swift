import Foundation
import Testing

/// What a person sees after a mistake: the sentence and the exit code, from the real binary.
struct BadInputTests {
    /// Runs `tessera submit` on a file, with no farm near: input is checked before anything is sent.
    private static func submit(
        _ name: String, _ bytes: [UInt8]?, _ options: String...
    ) throws -> TesseraProcess.Result {
        let folder = try TemporaryFolder()
        let path = try bytes.map { try folder.file(name, $0) } ?? folder.path(name)
        let nowhere = "tcp://127.0.0.1:\(try TestFarm.freePortPair())"
        return try TesseraProcess(["submit", path, "--connect", nowhere] + options).wait()
    }

    @Test(arguments: [
        (nil, "prompts.txt", [], "prompts.txt"),
        ("", "prompts.txt", [], "prompts.txt"),
        ("\n \n", "prompts.txt", [], "prompts.txt"),
        ("{\"prompt\":\"a cat\"}\n{\"prompt\":\n", "prompts.jsonl", [], "prompts.jsonl:2:"),
        ("{\"prompt\":\"a cat\",\"sede\":1}\n", "prompts.jsonl", [], "\"sede\""),
        ("{\"prompt\":\"a cat\",\"size\":300}\n", "prompts.jsonl", [], "300"),
        ("a cat\n", "prompts.txt", ["--size", "300"], "The size is 300; it must be 64, 256 or 1024."),
        ("a cat\n", "prompts.txt", ["--count", "0"], "The count is 0"),
        ("a cat\n", "prompts.txt", ["--count", "1000000000"], "The count is 1000000000"),
        ("a cat\n", "prompts.txt", ["--steps", "base64"], "STAGE=NUMBER"),
        ("a cat\n", "prompts.txt", ["--steps", "base64=2", "--steps", "base64=3"], "base64 are given twice"),
        ("a cat\n", "prompts.xml", [], "prompts.xml"),
    ])
    func promptsThatCannotBeUsed(text: String?, name: String, options: [String], sentence: String) throws {
        let folder = try TemporaryFolder()
        let path = try text.map { try folder.file(name, $0) } ?? folder.path(name)
        let nowhere = "tcp://127.0.0.1:\(try TestFarm.freePortPair())"
        let result = try TesseraProcess(["submit", path, "--connect", nowhere] + options).wait()
        #expect(result.status == 64)
        #expect(result.error.contains(sentence), "\(result.error)")
        #expect(result.out.isEmpty)
    }

    @Test func invalidUTF8NamesTheLine() throws {
        let result = try Self.submit("prompts.txt", Array("a cat\n".utf8) + [0xFF, 0xFE, 0x0A])
        #expect(result.status == 64)
        #expect(result.error.contains("prompts.txt:2:"), "\(result.error)")
        #expect(result.error.contains("UTF-8"))
    }

    @Test(arguments: ["--workers", "--images"], ["", "0", "10,", "10,many", "10,99999999"])
    func listsThatAreNone(option: String, list: String) throws {
        let result = try TesseraProcess.run("bench", "dispatch", option, list)
        #expect(result.status == 64)
        let sentence = "\(option) is \(list); it must be numbers from 1 to"
        #expect(result.error.contains(sentence), "\(result.error)")
    }

    @Test(arguments: ["status", "watch", "cancel", "pause", "resume", "retry", "fetch", "verify"])
    func jobsAreCountedFromOne(command: String) throws {
        let folder = try TemporaryFolder()
        let nowhere = "tcp://127.0.0.1:\(try TestFarm.freePortPair())"
        let out = command == "fetch" ? ["--out", folder.path("out")] : []
        let result = try TesseraProcess([command, "0", "--connect", nowhere] + out).wait()
        #expect(result.status == 64)
        #expect(result.error.contains("There is no job 0."), "\(result.error)")
    }

    @Test(arguments: ["tcp://127.0.0.1:0", "tcp://*:7420"])
    func addressesThatNobodyCanConnectTo(address: String) throws {
        let result = try TesseraProcess.run("jobs", "--connect", address)
        #expect(result.status == 64)
        #expect(result.error.contains("\(address) is no address to connect to"), "\(result.error)")
    }

    @Test func aStageThatTheModelDoesNotHave() throws {
        let result = try TesseraProcess.run(
            "bench", "stages", "--model", Fixtures.model.path(), "--stage", "nosuch")
        #expect(result.status == 64)
        #expect(result.error.contains("base64"), "\(result.error)")
    }

    @Test func anEmptyPromptIsNotDrawn() throws {
        let folder = try TemporaryFolder()
        let result = try TesseraProcess.run("render", " ", "--out", folder.path("nothing.png"))
        #expect(result.status == 64)
        #expect(result.error.contains("The prompt is empty"), "\(result.error)")
    }

    @Test(arguments: ["up", "jobs", "models"])
    func tooFewFilesMayBeOpen(command: String) throws {
        let launcher = ["sh", "-c", "ulimit -n 40; exec \"$@\"", "sh"]
        let result = try TesseraProcess.run(command, launcher: launcher)
        #expect(result.status == 1)
        #expect(result.error.contains("40 files and connections, and needs 64"), "\(result.error)")
    }

    @Test func aFolderIsNoPromptsFile() throws {
        let result = try TesseraProcess.run("submit", "/proc", "--connect", "tcp://127.0.0.1:1")
        #expect(result.status == 64)
        #expect(result.error.contains("/proc"))
    }

    @Test func withoutACoordinatorTheExitCodeIs69() throws {
        let result = try Self.submit("prompts.txt", Array("a cat\n".utf8), "--connect-timeout", "1")
        #expect(result.status == 69)
        #expect(result.error.contains("tcp://127.0.0.1:"), "\(result.error)")
        #expect(result.error.contains("tessera up"))
    }

    @Test func aTakenPortIsNamed() throws {
        let farm = try TestFarm()
        try farm.startCoordinator()
        #expect(try farm.client("jobs", "--connect-timeout", "30").status == 0)
        let folder = try TemporaryFolder()
        let second = try TesseraProcess.run(
            "coordinator", "--data", folder.path("data"), "--listen", farm.address)
        #expect(second.status == 1)
        #expect(second.error.contains("is already in use"), "\(second.error)")
        #expect(second.error.contains("--listen"))
        try farm.stop()
    }

    @Test func aSecondFarmAtTheSameAddressEndsAtOnce() async throws {
        let folder = try TemporaryFolder()
        let address = "tcp://127.0.0.1:\(try TestFarm.freePortPair())"
        let options = ["--workers", "1", "--threads", "1", "--listen", address]
        let first = try TesseraProcess(["up", "--data", folder.path("first")] + options)
        while first.isRunning, !first.errorText.contains("The farm listens on") {
            try await Task.sleep(for: .milliseconds(50))
        }
        let second = try TesseraProcess(["up", "--data", folder.path("second")] + options).wait()
        #expect(second.status == 1)
        #expect(second.error.contains("is already in use"), "\(second.error)")
        #expect(!second.error.contains("The farm listens on"))
        #expect(!second.error.contains("starting it again"))
        #expect(!FileManager.default.fileExists(atPath: folder.path("second/worker-1")))
        let told = try first.stop()
        #expect(told.status == 0, "\(told.error)")
        #expect(told.error.contains("--out renders --connect \(address)"), "\(told.error)")
    }

    @Test func aDataFolderServesOneCoordinator() throws {
        let farm = try TestFarm()
        try farm.startCoordinator()
        #expect(try farm.client("jobs", "--connect-timeout", "30").status == 0)
        let port = try TestFarm.freePortPair()
        let second = try TesseraProcess.run(
            "coordinator", "--data", farm.data, "--listen", "tcp://127.0.0.1:\(port)")
        #expect(second.status == 1)
        #expect(second.error.contains(farm.data), "\(second.error)")
        try farm.stop()
    }

    @Test func offLoopbackNothingListens() throws {
        let folder = try TemporaryFolder()
        let result = try TesseraProcess.run(
            "coordinator", "--data", folder.path("data"), "--listen", "tcp://0.0.0.0:7420")
        #expect(result.status == 64)
        #expect(result.error.contains("without a key"), "\(result.error)")
    }

    @Test func aBenchmarkEndsWithItsCoordinatorAndLeavesNothingBehind() throws {
        let folder = try TemporaryFolder()
        let port = try TestFarm.freePortPair()
        let result = try TesseraProcess.run(
            "bench", "dispatch", "--workers", "1", "--images", "1", "--data", folder.url.path(), "--listen",
            "tcp://0.0.0.0:\(port)")
        #expect(result.status == 1)
        #expect(result.error.contains("without a key"), "\(result.error)")
        #expect(result.error.contains("The coordinator to measure ended with status 64"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path()) == [])
    }

    @Test func aBrokenLineSubmitsNothing() throws {
        let farm = try TestFarm()
        try farm.startCoordinator()
        let folder = try TemporaryFolder()
        let lines = String(repeating: "{\"prompt\":\"a cat\"}\n", count: 3000) + "{\"prompt\":\n"
        let file = try folder.file("prompts.jsonl", lines)
        let result = try farm.client("submit", file, "--connect-timeout", "30")
        #expect(result.status == 64)
        #expect(result.error.contains("prompts.jsonl:3001:"), "\(result.error)")
        let jobs = try farm.client("jobs", "--json")
        #expect(jobs.out.filter { !$0.isWhitespace } == "[]")
        try farm.stop()
    }

    @Test func aMillionLinesWithOneBadOneAreReadInLittleMemory() throws {
        let folder = try TemporaryFolder()
        let line = Array("a sunflower on a blue background, number one of very many, all of them long\n".utf8)
        let path = folder.path("prompts.txt")
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        let file = try FileHandle(forWritingTo: folder.url("prompts.txt"))
        for _ in 0..<1000 { try file.write(contentsOf: Data(Array(repeating: line, count: 900).joined())) }
        try file.write(contentsOf: Data([0x61, 0xFF, 0x0A]))
        for _ in 0..<99 { try file.write(contentsOf: Data(Array(repeating: line, count: 1000).joined())) }
        try file.close()
        let nowhere = "tcp://127.0.0.1:\(try TestFarm.freePortPair())"
        // The file has 76 MB; a process that kept it could not go on.
        let result = try TesseraProcess.run(
            "submit", path, "--connect", nowhere, launcher: ["prlimit", "--data=67108864"])
        #expect(result.status == 64)
        #expect(result.error.contains("prompts.txt:900001:"), "\(result.error)")
    }
}
