import Client
import Farm
import Foundation
import Testing
import ZeroMQ

@Suite struct FarmClientTests {
    private let context: Context
    private let farm: FakeFarm
    private let folder = FileManager.default.temporaryDirectory.appending(path: "client-\(UUID().uuidString)")
        .path

    init() throws {
        context = try Context()
        farm = try FakeFarm(context)
    }

    private func client(_ options: FarmClient.Options = FarmClient.Options()) throws -> FarmClient {
        try FarmClient(farm.endpoint, context: context, options: options)
    }

    private func prompts(_ lines: [String]) throws -> PromptFile {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/prompts.txt"
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: path))
        return try PromptFile(path: path, defaults: PromptDefaults(seed: 5))
    }

    @Test func absentCoordinatorIsNamed() throws {
        let socket = try Socket(context, .router)
        try socket.bind("tcp://127.0.0.1:*")
        let endpoint = try Endpoint(parsing: socket.boundEndpoint())
        _ = consume socket
        var options = FarmClient.Options()
        options.connectMilliseconds = 200
        let error = #expect(throws: ClientError.self) {
            try FarmClient(endpoint, context: context, options: options)
        }
        #expect(
            error?.description == "No coordinator answers at \(endpoint). Start one with `tessera up`, "
                + "or give --connect; one that other machines reach wants --keys too.")
    }

    @Test func interruptionEndsAWait() throws {
        var options = FarmClient.Options()
        let client = try client(options)
        options.isInterrupted = { true }
        #expect(throws: ClientError.interrupted) { try self.client(options) }
        _ = client
    }

    @Test func submissionArrivesWholeAndInOrder() throws {
        let lines = (0..<2500).map { "prompt \($0)" }
        var sent: [Int] = []
        let job = try client().submit(
            try prompts(lines), as: JobTerms(model: "emoji", name: "n", priority: 3)
        ) {
            sent.append($0)
            #expect($1 == 2500)
        }
        #expect(job == JobID(1))
        #expect(sent == [0, 1000, 2000, 2500])
        let state = farm.with { $0 }
        #expect(state.received.map(\.prompt) == lines)
        #expect(state.received.map(\.seed) == (5..<2505).map { UInt64($0) })
        #expect(state.submission?.count == 2500)
        #expect(state.submission?.priority == 3)
    }

    @Test func longPromptsTravelInSmallerPieces() throws {
        let lines = (0..<60).map { "\($0) " + String(repeating: "x", count: 60_000) }
        var sent = 0
        _ = try client().submit(try prompts(lines), as: JobTerms(model: "emoji")) { _, _ in sent += 1 }
        #expect(farm.with { $0.received.map(\.prompt) } == lines)
        #expect(sent > 3)
    }

    @Test func submissionOutlivesALostDraftAndLostAnswers() throws {
        farm.with { state in
            state.forgetful = 1
            state.deaf = 1
        }
        let lines = (0..<1500).map { "prompt \($0)" }
        _ = try client().submit(try prompts(lines), as: JobTerms(model: "emoji"))
        #expect(farm.with { $0.received.map(\.prompt) } == lines)
    }

    @Test func refusalSpeaksForItself() throws {
        let error = #expect(throws: ClientError.self) { try client().status(JobID(7)) }
        #expect(error?.description == "There is no job 7.")
    }

    @Test func listsJobsAndControlsThem() throws {
        let client = try client()
        #expect(try client.jobs().map(\.id) == [JobID(1)])
        #expect(try client.workers() == [])
        try client.control(JobID(1), .pause)
        #expect(farm.with { $0.controls } == [.pause])
    }

    @Test func watchFollowsAJobToItsEnd() throws {
        farm.with { state in
            state.images = FetchTests.images(3)
            state.onRequest = { state, request in
                guard case .status = request else { return }
                if let next = state.images.firstIndex(where: { $0.state == .waiting }) {
                    state.finish(next, bytes: [UInt8(next)])
                }
            }
        }
        var done: [Int] = []
        let last = try client().watch(JobID(1)) { done.append($0.images.done) }
        #expect(done == [1, 2, 3])
        #expect(last.state == .finished)
    }
}
