import Client
import Coordinator
import Diffusion
import Farm
import Foundation
import Imaging
import Logging
import Synchronization
import Testing
import Worker
import ZeroMQ
import tessera_fake_worker

/// Coordinator, workers and client together over real sockets, with a fake engine.
@Suite struct WholeFarmTests {
    private static let count = 40

    private let context: Context
    private let root = FileManager.default.temporaryDirectory.appending(path: "farm-\(UUID().uuidString)")
        .path
    private let log: Logger

    init() throws {
        context = try Context()
        var log = Logger(label: "farm")
        log.logLevel = .critical
        self.log = log
    }

    /// Starts a coordinator on `endpoint`, or on any free pair of ports below those that connections take for
    /// themselves. A port that was just closed, or that somebody took, is tried again or passed over.
    private func coordinator(_ endpoint: Endpoint?) throws -> CoordinatorService {
        var configuration = CoordinatorConfiguration(dataFolder: root + "/data")
        for _ in 0..<200 {
            let place = endpoint ?? Endpoint(host: "127.0.0.1", port: .random(in: 20_000..<32_000))
            configuration.listen = place.address
            if let service = try start(configuration) { return service }
            try pause()
        }
        return try CoordinatorService(configuration, context: context, log: log)
    }

    /// Nil when the address is in use.
    private func start(_ configuration: CoordinatorConfiguration) throws -> CoordinatorService? {
        let outcome = Result { () throws(CoordinatorError) in
            try CoordinatorService(configuration, context: context, log: log)
        }
        if case .failure(.network(.addressInUse)) = outcome { return nil }
        return try outcome.get()
    }

    private func pause() throws {
        let silent = try Socket(context, .dealer)
        try silent.waitUntilReadable(milliseconds: 20)
    }

    private func worker(_ name: String, _ endpoint: Endpoint) throws -> WorkerService {
        let stages = ["prior", "base64"].map {
            AnnouncedStage(name: StageName($0), steps: 3, guidance: nil, size: $0 == "base64" ? 64 : nil)
        }
        let model = ModelAnnouncement(
            key: ModelKey(name: "emoji", hash: .zero), version: "0", stages: stages)
        let configuration = WorkerConfiguration(
            coordinator: endpoint, name: name, folder: "\(root)/\(name)")
        return try WorkerService(configuration, models: [model], context: context, log: log) { FakeStages() }
    }

    private func end(_ worker: WorkerService) throws {
        worker.stop()
        try worker.join()
    }

    private func prompts() throws -> PromptFile {
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        let path = root + "/prompts.txt"
        try Data((0..<WholeFarmTests.count).map { "prompt \($0)\n" }.joined().utf8).write(
            to: URL(filePath: path))
        return try PromptFile(path: path, defaults: PromptDefaults(seed: 100))
    }

    /// The picture that an undisturbed run gives.
    private func picture(_ index: Int) throws -> PixelImage {
        let request = ImageRequest(
            prompt: "prompt \(index)", seed: 100 + UInt64(index), options: RenderOptions(size: 64))
        let prior = FakeStages.blob(request, StageName("prior"), input: nil)
        return try PixelImage(stageBlob: FakeStages.blob(request, StageName("base64"), input: prior))
    }

    private func check(_ folder: PictureFolder) throws {
        for index in 0..<WholeFarmTests.count {
            let path = "\(folder.path)/\(PictureFolder.name(ofImage: index))"
            let (image, texts) = try PNG.decode([UInt8](try Data(contentsOf: URL(filePath: path))))
            #expect(image == (try picture(index)))
            #expect(try PictureRecord(texts: texts).request.seed == 100 + UInt64(index))
        }
        let manifest = try String(contentsOfFile: folder.path + "/manifest.jsonl", encoding: .utf8)
        #expect(manifest.split(separator: "\n").count == WholeFarmTests.count)
    }

    @Test func everyPictureIsThereOnceWhileProcessesComeAndGo() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        var coordinator = try coordinator(nil)
        let endpoint = coordinator.endpoint
        var first = try worker("w1", endpoint)
        let second = try worker("w2", endpoint)
        var options = FarmClient.Options()
        let isBroken = Mutex(false)
        options.isInterrupted = { isBroken.withLock { $0 } }
        let client = try FarmClient(endpoint, context: context, options: options)
        let job = try client.submit(try prompts(), as: JobTerms(model: "emoji"))
        let folder = try PictureFolder(path: root + "/out")
        var restarts = 0
        let progress = try client.fetch(job, into: folder, wait: true) { progress in
            do {
                if progress.inFolder >= 10 && restarts == 0 {
                    restarts = 1
                    coordinator.stop()
                    coordinator = try self.coordinator(endpoint)
                } else if progress.inFolder >= 20 && restarts == 1 {
                    restarts = 2
                    try end(first)
                    first = try worker("w1", endpoint)
                }
            } catch {
                Issue.record(error)
                isBroken.withLock { $0 = true }
            }
        }
        #expect(restarts == 2)
        #expect(progress.status.state == .finished)
        #expect(progress.status.images.done == WholeFarmTests.count)
        #expect(progress.status.alarms == 0)
        #expect(progress.written == WholeFarmTests.count)
        try check(folder)
        try end(first)
        try end(second)
        coordinator.stop()
    }

    @Test func failedImageTellsItsReasonAndTheRestGoesOn() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let coordinator = try coordinator(nil)
        let worker = try worker("w1", coordinator.endpoint)
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        try Data("a cat\nfail\na dog\n".utf8).write(to: URL(filePath: root + "/prompts.txt"))
        let prompts = try PromptFile(path: root + "/prompts.txt", defaults: PromptDefaults())
        let client = try FarmClient(coordinator.endpoint, context: context)
        let job = try client.submit(prompts, as: JobTerms(model: "emoji"))
        let status = try client.watch(job) { _ in }
        #expect(status.images.done == 2)
        #expect(status.images.failed == 1)
        let images = try client.images(job, from: 0, patience: 5_000)
        #expect(images.map(\.state) == [.done, .failed, .done])
        #expect(images[1].error?.contains("The model ran out of paint.") == true)
        let failed = try client.images(job, from: 0, failedOnly: true, patience: 5_000)
        #expect(failed == [images[1]])
        #expect(try client.images(job, from: 2, failedOnly: true, patience: 5_000).isEmpty)
        try end(worker)
        coordinator.stop()
    }

    @Test func aJobOfTheSamePromptsRunsNoStage() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let coordinator = try coordinator(nil)
        let worker = try worker("w1", coordinator.endpoint)
        let client = try FarmClient(coordinator.endpoint, context: context)
        let first = try client.submit(try prompts(), as: JobTerms(model: "emoji"))
        #expect(try client.watch(first) { _ in }.images.done == WholeFarmTests.count)
        #expect(try client.workers().map(\.completed) == [2 * WholeFarmTests.count])
        let second = try client.submit(try prompts(), as: JobTerms(model: "emoji"))
        #expect(try client.watch(second) { _ in }.images.done == WholeFarmTests.count)
        #expect(try client.workers().map(\.completed) == [2 * WholeFarmTests.count])
        let pages = try [first, second].map { try client.images($0, from: 0, patience: 5_000) }
        #expect(pages[0].map(\.pixels) == pages[1].map(\.pixels))
        #expect(pages[1].allSatisfy { $0.stages.map(\.attempt) == [0, 0] })
        let folder = try PictureFolder(path: root + "/again")
        #expect(try client.fetch(second, into: folder) { _ in }.written == WholeFarmTests.count)
        try check(folder)
        try end(worker)
        coordinator.stop()
    }

    @Test func jobWaitsForAWorkerAndSaysSo() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let coordinator = try coordinator(nil)
        let client = try FarmClient(coordinator.endpoint, context: context)
        let job = try client.submit(try prompts(), as: JobTerms(model: "emoji"))
        #expect(try client.status(job).waiting.isEmpty == false)
        let worker = try worker("w1", coordinator.endpoint)
        #expect(try client.watch(job) { _ in }.images.done == WholeFarmTests.count)
        #expect(try client.workers().map(\.id) == [WorkerID("w1")])
        try end(worker)
        coordinator.stop()
    }
}
