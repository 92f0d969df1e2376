import Diffusion
import Farm
import Foundation
import Imaging
import Logging
import Testing
import Worker
import ZeroMQ
import tessera_fake_worker

@Suite struct WorkerServiceTests {
    private let context: Context
    private let coordinator: FakeCoordinator
    private let folder = FileManager.default.temporaryDirectory.appending(path: "worker-\(UUID().uuidString)")
        .path
    private let model = ModelAnnouncement(
        key: ModelKey(name: "emoji", hash: .zero), version: "0",
        stages: [
            AnnouncedStage(name: StageName("prior"), steps: 3, guidance: nil, size: nil),
            AnnouncedStage(name: StageName("base64"), steps: 3, guidance: nil, size: 64),
        ])

    init() throws {
        context = try Context()
        coordinator = try FakeCoordinator(context)
    }

    private func start() throws -> WorkerService {
        var configuration = WorkerConfiguration(coordinator: coordinator.endpoint, name: "w", folder: folder)
        configuration.tags = ["fast"]
        var log = Logger(label: "worker")
        log.logLevel = .critical
        return try WorkerService(configuration, models: [model], context: context, log: log) { FakeStages() }
    }

    private func end(_ worker: WorkerService) throws {
        worker.stop()
        try worker.join()
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func assignment(_ index: Int, _ prompt: String, input: BlobID? = nil, isLast: Bool = false)
        -> Assignment
    {
        let task = TaskID(image: ImageID(job: JobID(1), index: index), stage: input == nil ? 0 : 1)
        return Assignment(
            lease: LeaseID(task: task, attempt: 1), model: model.key,
            stage: StageName(input == nil ? "prior" : "base64"),
            request: ImageRequest(prompt: prompt, seed: 3, options: RenderOptions(size: 64)), input: input,
            isLast: isLast, leaseMilliseconds: 60_000)
    }

    private var outbox: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".result") }
    }

    @Test func saysWhoItIs() throws {
        let worker = try start()
        let hello = try coordinator.welcome()
        #expect(hello.session.worker == WorkerID("w"))
        #expect(hello.session.nonce != 0)
        #expect(hello.models == [model])
        #expect(hello.tags == ["fast"])
        #expect(hello.running == [])
        try end(worker)
    }

    @Test func runsAStageFromItsInputToTheAcknowledgement() throws {
        let worker = try start()
        try coordinator.welcome()
        let input = [UInt8]((0..<250).map { UInt8($0) })
        let task = assignment(0, "cat", input: try coordinator.add(input))
        try coordinator.send(.assign(task))
        let step = try coordinator.next { report -> TaskProgress? in
            if case .progress(let progress) = report, progress.phase == .stepping { progress } else { nil }
        }
        #expect(step.steps == 3)
        let result = try coordinator.completed()
        #expect(result.lease == task.lease)
        #expect(result.seconds == 1.5)
        #expect(result.loadSeconds == 0.25)
        #expect(result.warnings == ["The cat is fake."])
        #expect(result.pixels == nil)
        #expect(coordinator.store[result.blob] == FakeStages.blob(task.request, task.stage, input: input))
        #expect(outbox.count == 1)
        try coordinator.send(.acknowledged(task.lease, .committed))
        try coordinator.send(.assign(assignment(1, "dog")))
        _ = try coordinator.completed()
        #expect(outbox.count == 1)
        try end(worker)
    }

    @Test func lastStageGivesAPNGThatTellsItsRequest() throws {
        let worker = try start()
        try coordinator.welcome()
        let task = assignment(0, "猫", input: try coordinator.add([1]), isLast: true)
        try coordinator.send(.assign(task))
        let result = try coordinator.completed()
        let png = try #require(coordinator.store[result.blob])
        let (image, texts) = try PNG.decode(png)
        #expect(image == (try PixelImage(stageBlob: FakeStages.blob(task.request, task.stage, input: [1]))))
        #expect(result.pixels?.hex == image.pixelHash)
        let record = try PictureRecord(texts: texts)
        #expect(record.request == RenderRequest(prompt: "猫", seed: 3, size: 64))
        #expect(record.model == "emoji")
        #expect(record.modelHash == Digest.zero.hex)
        try end(worker)
    }

    @Test func failureOfAStageIsTold() throws {
        let worker = try start()
        try coordinator.welcome()
        try coordinator.send(.assign(assignment(0, "fail")))
        let failure = try coordinator.failed()
        #expect(failure.kind == .application)
        #expect(failure.message == "The model ran out of paint.")
        try end(worker)
    }

    @Test func missingInputIsTold() throws {
        let worker = try start()
        try coordinator.welcome()
        try coordinator.send(.assign(assignment(0, "cat", input: BlobID(.zero))))
        #expect(try coordinator.failed().kind == .inputMissing)
        try end(worker)
    }

    @Test func wrongBytesOfAnInputAreNotUsed() throws {
        let worker = try start()
        try coordinator.welcome()
        coordinator.store[BlobID(.zero)] = [1, 2, 3]
        try coordinator.send(.assign(assignment(0, "cat", input: BlobID(.zero))))
        #expect(try coordinator.failed().kind == .inputMissing)
        try end(worker)
    }

    @Test func revokedTaskStopsBetweenSteps() throws {
        let worker = try start()
        try coordinator.welcome()
        let endless = assignment(0, "endless")
        try coordinator.send(.assign(endless))
        _ = try coordinator.next { report -> TaskProgress? in
            if case .progress(let progress) = report, progress.phase == .stepping { progress } else { nil }
        }
        try coordinator.send(.revoke(endless.lease))
        try coordinator.send(.assign(assignment(1, "cat")))
        #expect(try coordinator.completed().lease.task.image.index == 1)
        try end(worker)
    }

    @Test func stopSaysGoodbyeInTheMiddleOfATask() throws {
        let worker = try start()
        try coordinator.welcome()
        try coordinator.send(.assign(assignment(0, "endless")))
        _ = try coordinator.next { if case .progress(let progress) = $0 { progress } else { nil } }
        try end(worker)
        try coordinator.next { report -> Void? in if case .goodbye = report { () } else { nil } }
    }

    @Test func heartbeatsGoOnWhileComputing() throws {
        let worker = try start()
        try coordinator.welcome()
        try coordinator.send(.assign(assignment(0, "endless")))
        for _ in 0..<3 {
            try coordinator.next { report -> Void? in if case .heartbeat = report { () } else { nil } }
        }
        try end(worker)
    }

    @Test func unacknowledgedResultIsReplayedByTheNextLife() throws {
        let first = try start()
        let nonce = try coordinator.welcome().session.nonce
        let task = assignment(0, "cat")
        try coordinator.send(.assign(task))
        let result = try coordinator.completed()
        first.stop()
        try first.join()
        coordinator.forgetBlobs()
        let second = try start()
        let hello = try coordinator.next { report -> WorkerHello? in
            if case .hello(let hello) = report, hello.session.nonce != nonce { hello } else { nil }
        }
        #expect(hello.running == [task.lease])
        try coordinator.send(
            .welcome(
                Welcome(
                    protocolVersion: 1, blobPort: coordinator.blobPort, heartbeatMilliseconds: 50,
                    graceMilliseconds: 60_000, farm: coordinator.farm, kept: [])))
        #expect(try coordinator.completed() == result)
        try coordinator.send(.acknowledged(task.lease, .blobMissing))
        #expect(try coordinator.completed() == result)
        #expect(coordinator.store[result.blob] == FakeStages.blob(task.request, task.stage, input: nil))
        try end(second)
    }

    @Test func resultOfAnotherFarmIsNotReported() throws {
        let first = try start()
        let nonce = try coordinator.welcome().session.nonce
        try coordinator.send(.assign(assignment(0, "cat")))
        _ = try coordinator.completed()
        first.stop()
        try first.join()
        #expect(outbox.count == 1)
        coordinator.farm = FarmID(22)
        let second = try start()
        var hello: WorkerHello
        repeat { hello = try coordinator.welcome() } while hello.session.nonce == nonce
        let task = assignment(1, "dog")
        try coordinator.send(.assign(task))
        #expect(try coordinator.completed().lease == task.lease)
        #expect(outbox == ["1-1-0-1.result"])
        try end(second)
    }

    @Test func runningTaskSurvivesARestartOfTheCoordinator() throws {
        var before: FakeCoordinator? = try FakeCoordinator(context)
        let endpoint = try #require(before).endpoint
        var configuration = WorkerConfiguration(coordinator: endpoint, name: "w", folder: folder)
        configuration.threads = 1
        var log = Logger(label: "worker")
        log.logLevel = .critical
        let worker = try WorkerService(configuration, models: [model], context: context, log: log) {
            FakeStages()
        }
        let task = assignment(0, "endless")
        try before?.welcome()
        try before?.send(.assign(task))
        _ = try before?.next { if case .progress(let progress) = $0 { progress } else { nil } }
        before = nil
        let after = try FakeCoordinator(context, port: endpoint.port)
        try after.next { report -> Void? in if case .heartbeat = report { () } else { nil } }
        try after.send(.helloAgain)
        #expect(try after.welcome(kept: [task.lease]).running == [task.lease])
        _ = try after.next { if case .progress(let progress) = $0 { progress } else { nil } }
        try end(worker)
    }

    @Test func refusedWorkerEndsWithTheReason() throws {
        let worker = try start()
        _ = try coordinator.next { if case .hello(let hello) = $0 { hello } else { nil } }
        try coordinator.send(.refused("Update this worker."))
        #expect(throws: WorkerError.refused("Update this worker.")) { try worker.join() }
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test func twoWorkersDoNotShareAFolder() throws {
        let worker = try start()
        #expect(throws: WorkerError.folderInUse(path: folder)) { try start() }
        try end(worker)
    }

    @Test func workerWithoutModelsDoesNotStart() throws {
        let configuration = WorkerConfiguration(coordinator: coordinator.endpoint, name: "w", folder: folder)
        #expect(throws: WorkerError.noModels) {
            try WorkerService(configuration, models: [], context: context, log: Logger(label: "w")) {
                FakeStages()
            }
        }
    }
}
