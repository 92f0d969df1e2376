import Foundation

/// The real `tessera` binary as a subprocess, with what it wrote.
final class TesseraProcess {
    /// How it ended.
    struct Result {
        let status: Int32
        let out: String
        let error: String
    }

    private let process = Process()
    private let folder: TemporaryFolder

    /// The binary beside this test binary.
    static let binary = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appending(path: "tessera")

    /// Starts `tessera arguments…`, or `launcher… tessera arguments…` where a launcher is given.
    init(
        _ arguments: [String], input: [UInt8]? = nil, environment: [String: String] = [:],
        launcher: [String] = []
    ) throws {
        folder = try TemporaryFolder()
        let command = launcher + [Self.binary.path()] + arguments
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.environment = ProcessInfo.processInfo.environment
            .merging(["TESSERA_MODELS": Fixtures.weights.path()]) { $1 }
            .merging(environment) { $1 }
        process.standardOutput = try Self.emptyFile(folder.url("out"))
        process.standardError = try Self.emptyFile(folder.url("err"))
        if let input {
            try Data(input).write(to: folder.url("in"))
            process.standardInput = try FileHandle(forReadingFrom: folder.url("in"))
        } else {
            process.standardInput = FileHandle.nullDevice
        }
        try process.run()
    }

    /// Runs it to its end.
    static func run(
        _ arguments: String..., input: [UInt8]? = nil, environment: [String: String] = [:],
        launcher: [String] = []
    ) throws -> Result {
        try TesseraProcess(arguments, input: input, environment: environment, launcher: launcher).wait()
    }

    var isRunning: Bool { process.isRunning }

    /// What it wrote to standard error so far.
    var errorText: String { (try? String(contentsOf: folder.url("err"), encoding: .utf8)) ?? "" }

    /// Waits for its end.
    func wait() throws -> Result {
        process.waitUntilExit()
        let out = String(decoding: try Data(contentsOf: folder.url("out")), as: UTF8.self)
        return Result(status: process.terminationStatus, out: out, error: errorText)
    }

    /// Sends `signal` and waits for the end.
    @discardableResult
    func stop(_ signal: Int32 = SIGTERM) throws -> Result {
        kill(process.processIdentifier, signal)
        return try wait()
    }

    private static func emptyFile(_ url: URL) throws -> FileHandle {
        try Data().write(to: url)
        return try FileHandle(forWritingTo: url)
    }

    deinit {
        if process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }
}

/// A folder that lives as long as this object.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "tessera-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func url(_ name: String) -> URL { url.appending(path: name) }
    func path(_ name: String) -> String { url(name).path() }

    /// Writes `text` to the file `name` and gives its path.
    func file(_ name: String, _ text: String) throws -> String {
        try file(name, Array(text.utf8))
    }

    /// Writes `bytes` to the file `name` and gives its path.
    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        try Data(bytes).write(to: url(name))
        return path(name)
    }
}

/// What the tests read from the repository.
enum Fixtures {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let weights = root.appending(path: "weights")
    static let model = weights.appending(path: "emoji")
    static let golden = root.appending(path: "Tests/Golden")
}
