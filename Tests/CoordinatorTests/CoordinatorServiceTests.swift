import Coordinator
import Farm
import FarmProtocol
import Foundation
import Store
import Testing
import ZeroMQ

@Suite(.serialized) struct CoordinatorServiceTests {
    static let model = ModelAnnouncement(
        key: ModelKey(name: "toy", hash: BlobFolder.name(of: [7]).digest), version: "1",
        stages: [
            AnnouncedStage(name: StageName("prior"), steps: 1, guidance: nil, size: nil),
            AnnouncedStage(name: StageName("base64"), steps: 1, guidance: nil, size: 64),
        ])

    static func hello(_ nonce: UInt64, running: [LeaseID] = []) -> FarmMessage {
        .report(
            .hello(
                WorkerHello(
                    session: WorkerSession(worker: WorkerID("w"), nonce: nonce), oldestProtocol: 1,
                    newestProtocol: 1,
                    models: [model], running: running)))
    }

    private func submit(_ client: borrowing Peer, count: Int) throws -> JobID {
        let id = SubmissionID(high: 1, low: 2)
        let head = Submission(id: id, name: "n", owner: "o", priority: 0, model: "toy", count: count)
        let images = (0..<count).map {
            ImageRequest(prompt: "prompt \($0)", seed: UInt64($0), options: RenderOptions(size: 64))
        }
        _ = try client.ask(.submit(head))
        _ = try client.ask(.submitImages(id, first: 0, images: images))
        guard case .submission(let state) = try client.ask(.submitEnd(id)), let job = state.job else {
            throw PeerError.unexpected
        }
        return job
    }

    private func assignment(_ worker: borrowing Peer) throws -> Assignment {
        guard case .order(.assign(let assignment)) = try worker.hear() else { throw PeerError.unexpected }
        return assignment
    }

    private func finish(_ task: Assignment, _ worker: borrowing Peer, _ blobs: borrowing Peer) throws
        -> Verdict
    {
        let bytes = Array("\(task.lease.task.image.index) \(task.stage) \(task.request.prompt)".utf8)
        let blob = BlobFolder.name(of: bytes)
        guard try blobs.upload(blob, bytes) == .stored(blob) else { throw PeerError.unexpected }
        let result = TaskResult(
            lease: task.lease, blob: blob, pixels: task.isLast ? blob.digest : nil, seconds: 0.01,
            warnings: ["cut"])
        try worker.say(.report(.completed(result)))
        guard case .order(.acknowledged(task.lease, let verdict)) = try worker.hear() else {
            throw PeerError.unexpected
        }
        return verdict
    }

    @Test func aJobGoesThroughARestartToItsPictures() throws {
        let coordinator = try TestCoordinator()
        var control = coordinator.service.endpoint
        let job: JobID
        let held: Assignment
        let farm: FarmID
        do {
            let client = try Peer(coordinator.context, control)
            guard case .welcome(let server) = try client.ask(.hello) else { throw PeerError.unexpected }
            let worker = try Peer(coordinator.context, control)
            let blobs = try Peer(coordinator.context, control.with(port: UInt16(server.blobPort)))
            try worker.say(.report(.heartbeat))
            #expect(try worker.hear() == .order(.helloAgain))
            try worker.say(CoordinatorServiceTests.hello(1))
            guard case .order(.welcome(let welcome)) = try worker.hear() else { throw PeerError.unexpected }
            #expect(welcome.blobPort == server.blobPort)
            #expect(welcome.farm == server.farm)
            farm = server.farm
            job = try submit(client, count: 2)
            let first = try assignment(worker)
            #expect(first.request.prompt == "prompt 0")
            #expect(try finish(first, worker, blobs) == .committed)
            held = try assignment(worker)
            #expect(held.input != nil)
        }
        try coordinator.restart()
        control = coordinator.service.endpoint
        let client = try Peer(coordinator.context, control)
        guard case .welcome(let server) = try client.ask(.hello) else { throw PeerError.unexpected }
        #expect(server.models == [CoordinatorServiceTests.model])
        let worker = try Peer(coordinator.context, control)
        let blobs = try Peer(coordinator.context, control.with(port: UInt16(server.blobPort)))
        try worker.say(CoordinatorServiceTests.hello(1, running: [held.lease]))
        guard case .order(.welcome(let welcome)) = try worker.hear() else { throw PeerError.unexpected }
        #expect(welcome.kept == [held.lease])
        #expect(welcome.farm == farm)
        var task = held
        for _ in 0..<2 {
            #expect(try finish(task, worker, blobs) == .committed)
            task = try assignment(worker)
        }
        #expect(try finish(task, worker, blobs) == .committed)
        guard case .status(let status) = try client.ask(.status(job, revision: nil, waitMilliseconds: 0))
        else {
            throw PeerError.unexpected
        }
        #expect(status.state == .finished)
        guard case .images(let images) = try client.ask(.images(job, from: 0, limit: 10, failedOnly: false))
        else {
            throw PeerError.unexpected
        }
        #expect(images.map(\.request.prompt) == ["prompt 0", "prompt 1"])
        #expect(
            images.allSatisfy { $0.state == .done && $0.stages.count == 2 && $0.warnings == ["cut", "cut"] })
        let picture = try #require(images.last?.picture)
        guard case .bytes(_, _, let total, let bytes) = try blobs.ask(.read(picture, offset: 0, length: 1000))
        else {
            throw PeerError.unexpected
        }
        #expect(total == bytes.count)
        #expect(BlobFolder.name(of: bytes) == picture)
    }

    @Test func aWatcherIsAnsweredWhenTheJobChangesAndNotBefore() throws {
        let coordinator = try TestCoordinator()
        let client = try Peer(coordinator.context, coordinator.service.endpoint)
        let job = try submit(client, count: 1)
        guard case .status(let status) = try client.ask(.status(job, revision: nil, waitMilliseconds: 0))
        else {
            throw PeerError.unexpected
        }
        try client.say(.request(number: 1, .status(job, revision: status.revision, waitMilliseconds: 60_000)))
        try client.say(.request(number: 2, .control(job, .pause)))
        var numbers: Set<UInt64> = []
        for _ in 0..<2 {
            guard case .reply(let number, .status(let changed)) = try client.hear() else {
                throw PeerError.unexpected
            }
            #expect(changed.state == .paused)
            numbers.insert(number)
        }
        #expect(numbers == [1, 2])
    }

    @Test func blobsOfTheWrongHashSizeOrOrderAreRefused() throws {
        let coordinator = try TestCoordinator()
        let client = try Peer(coordinator.context, coordinator.service.endpoint)
        guard case .welcome(let server) = try client.ask(.hello) else { throw PeerError.unexpected }
        let blobs = try Peer(
            coordinator.context, coordinator.service.endpoint.with(port: UInt16(server.blobPort)))
        let blob = BlobFolder.name(of: [1, 2, 3])
        #expect(try blobs.ask(.chunk(blob, offset: 0, bytes: [1])) == .refused(blob, .outOfOrder))
        #expect(try blobs.ask(.offer(blob, bytes: 0)) == .refused(blob, .badSize))
        #expect(try blobs.ask(.offer(blob, bytes: Limits.blobBytes + 1)) == .refused(blob, .badSize))
        #expect(try blobs.ask(.read(blob, offset: 0, length: 3)) == .refused(blob, .notFound))
        #expect(try blobs.upload(blob, [1, 2, 4]) == .refused(blob, .wrongHash))
        #expect(try blobs.ask(.offer(blob, bytes: 3)) == .want(blob, offset: 0, length: 3))
        #expect(try blobs.ask(.chunk(blob, offset: 0, bytes: [1, 2])) == .want(blob, offset: 2, length: 1))
        #expect(try blobs.ask(.chunk(blob, offset: 0, bytes: [1, 2])) == .want(blob, offset: 2, length: 1))
        #expect(try blobs.ask(.chunk(blob, offset: 2, bytes: [3])) == .stored(blob))
        #expect(try blobs.ask(.offer(blob, bytes: 3)) == .stored(blob))
    }

    @Test func aBlobThatTheDiskDamagedIsReceivedAgain() throws {
        let coordinator = try TestCoordinator()
        let client = try Peer(coordinator.context, coordinator.service.endpoint)
        guard case .welcome(let server) = try client.ask(.hello) else { throw PeerError.unexpected }
        let blobs = try Peer(
            coordinator.context, coordinator.service.endpoint.with(port: UInt16(server.blobPort)))
        let bytes: [UInt8] = [1, 2, 3]
        let blob = BlobFolder.name(of: bytes)
        #expect(try blobs.upload(blob, bytes) == .stored(blob))
        let path = "\(coordinator.folder)/blobs/\(blob.hex.prefix(2))/\(blob.hex.dropFirst(2))"
        try Data([1, 2, 4]).write(to: URL(fileURLWithPath: path))
        #expect(try blobs.upload(blob, bytes) == .stored(blob))
        #expect(
            try blobs.ask(.read(blob, offset: 0, length: 3))
                == .bytes(blob, offset: 0, total: 3, bytes: bytes))
    }

    @Test func bytesThatMeanNothingChangeNothing() throws {
        let coordinator = try TestCoordinator()
        let client = try Peer(coordinator.context, coordinator.service.endpoint)
        try client.socket.send([[1, 2, 3]])
        try client.socket.send([[], [], []])
        try client.say(.order(.heartbeat))
        guard
            case .refused(let refusal) = try client.ask(.status(JobID(9), revision: nil, waitMilliseconds: 0))
        else {
            throw PeerError.unexpected
        }
        #expect(refusal == Refusal(.notFound, "There is no job 9."))
    }

    @Test func anAddressThatOthersCanReachIsRefused() throws {
        var configuration = CoordinatorConfiguration(dataFolder: "unused")
        for endpoint in ["tcp://0.0.0.0:7420", "tcp://*:7420", "tcp://192.0.2.1:7420"] {
            configuration.listen = endpoint
            #expect(throws: CoordinatorError.notLoopback(endpoint: endpoint)) {
                try CoordinatorService(configuration, context: Context(), log: TestCoordinator.silence)
            }
        }
    }

    @Test func aPortInUseAndAFolderInUseAreNamed() throws {
        let coordinator = try TestCoordinator()
        var configuration = CoordinatorConfiguration(dataFolder: coordinator.folder)
        configuration.listen = "tcp://127.0.0.1:0"
        let locked = #expect(throws: CoordinatorError.self) {
            try CoordinatorService(configuration, context: coordinator.context, log: TestCoordinator.silence)
        }
        #expect(locked == .store(.locked(path: coordinator.folder)))
        configuration.dataFolder = coordinator.folder + "/other"
        configuration.listen = coordinator.service.endpoint.description
        let used = #expect(throws: CoordinatorError.self) {
            try CoordinatorService(configuration, context: coordinator.context, log: TestCoordinator.silence)
        }
        #expect(used?.description.contains("\(coordinator.service.endpoint.port)") == true)
    }
}
