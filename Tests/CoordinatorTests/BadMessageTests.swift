import Coordinator
import Farm
import FarmProtocol
import Store
import Testing
import ZeroMQ

/// Messages that should not come, over real sockets: each is answered where it can be, and nothing changes.
@Suite(.serialized) struct BadMessageTests {
    private static let stages = CoordinatorServiceTests.model.stages

    private func hello(
        _ name: String, nonce: UInt64 = 1, protocols: ClosedRange<Int> = 1...1,
        model: ModelAnnouncement = CoordinatorServiceTests.model
    ) -> FarmMessage {
        .report(
            .hello(
                WorkerHello(
                    session: WorkerSession(worker: WorkerID(name), nonce: nonce),
                    oldestProtocol: protocols.lowerBound, newestProtocol: protocols.upperBound,
                    models: [model])))
    }

    @Test(arguments: [0...0, 3...9])
    func aWorkerOfAnotherProtocolIsToldWhich(protocols: ClosedRange<Int>) throws {
        let coordinator = try TestCoordinator()
        let worker = try Peer(coordinator.context, coordinator.service.endpoint)
        try worker.say(hello("w", protocols: protocols))
        guard case .order(.refused(let text)) = try worker.hear() else { throw PeerError.unexpected }
        #expect(text.contains("Use the same release"))
    }

    @Test func aMessageOfANewerProtocolIsAnswered() throws {
        let coordinator = try TestCoordinator()
        let peer = try Peer(coordinator.context, coordinator.service.endpoint)
        var bytes = try FarmCodec.encode(.request(number: 1, .hello))
        bytes[1] = 9
        try peer.socket.send([bytes])
        guard case .order(.refused(let text)) = try peer.hear() else { throw PeerError.unexpected }
        #expect(text.contains("protocol version 9"))
    }

    @Test func aModelOfTheSameNameAndOtherWeightsGetsNoTaskOfTheJob() throws {
        let coordinator = try TestCoordinator()
        let client = try Peer(coordinator.context, coordinator.service.endpoint)
        let right = try Peer(coordinator.context, coordinator.service.endpoint)
        let other = try Peer(coordinator.context, coordinator.service.endpoint)
        let key = CoordinatorServiceTests.model.key
        let impostor = ModelAnnouncement(
            key: ModelKey(name: key.name, hash: BlobFolder.name(of: [8]).digest), version: "1",
            stages: BadMessageTests.stages)
        try right.say(hello("right"))
        guard case .order(.welcome) = try right.hear() else { throw PeerError.unexpected }
        try other.say(hello("other", model: impostor))
        guard case .order(.welcome) = try other.hear() else { throw PeerError.unexpected }
        _ = try submit(client, model: key.description)
        guard case .order(.assign(let task)) = try right.hear() else { throw PeerError.unexpected }
        #expect(task.model == key)
        try other.say(.report(.heartbeat))
        #expect(try other.socket.waitUntilReadable(milliseconds: 10_000))
        let bytes = try #require(try other.socket.receive()?.first)
        #expect(try FarmCodec.decode(bytes) == .order(.heartbeat))
    }

    @Test func resultsThatNobodyAskedForAreFencedOrAskedAgain() throws {
        let coordinator = try TestCoordinator()
        let client = try Peer(coordinator.context, coordinator.service.endpoint)
        let worker = try Peer(coordinator.context, coordinator.service.endpoint)
        try worker.say(hello("w"))
        guard case .order(.welcome) = try worker.hear() else { throw PeerError.unexpected }
        let job = try submit(client, model: "toy")
        guard case .order(.assign(let task)) = try worker.hear() else { throw PeerError.unexpected }
        // Never leased: another job, another attempt, another stage.
        let elsewhere = LeaseID(task: TaskID(image: ImageID(job: JobID(99), index: 0), stage: 0), attempt: 1)
        let later = LeaseID(task: task.lease.task, attempt: 7)
        let ahead = LeaseID(task: TaskID(image: task.lease.task.image, stage: 1), attempt: 1)
        for lease in [elsewhere, later, ahead] {
            #expect(try report(lease, worker) == .order(.acknowledged(lease, .fenced)))
        }
        // Leased, but its bytes are not here.
        #expect(try report(task.lease, worker) == .order(.acknowledged(task.lease, .blobMissing)))
        guard case .status(let status) = try client.ask(.status(job, revision: nil, waitMilliseconds: 0))
        else {
            throw PeerError.unexpected
        }
        #expect(status.tasks.done == 0)
        #expect(status.tasks.leased == 1)
    }

    @Test func whoSendsTooMuchIsHeardAgainInTheNextSecond() throws {
        let coordinator = try TestCoordinator()
        let flood = try Peer(coordinator.context, coordinator.service.endpoint)
        let other = try Peer(coordinator.context, coordinator.service.endpoint)
        guard case .welcome = try flood.ask(.hello) else { throw PeerError.unexpected }
        let beat = try FarmCodec.encode(.report(.goodbye))
        var sent = 0
        while sent < Limits.messagesPerSecond * 2 {
            do throws(ZeroMQError) {
                try flood.socket.send([beat])
                sent += 1
            } catch {
                // Its own queue is full: the coordinator is heard meanwhile.
                while try flood.socket.receive() != nil {}
            }
        }
        guard case .welcome = try other.ask(.hello) else { throw PeerError.unexpected }
        for _ in 0..<50 {
            try flood.say(.request(number: 77, .hello))
            for _ in 0..<1000 {
                guard try flood.socket.waitUntilReadable(milliseconds: 200),
                    let bytes = try flood.socket.receive()?.first
                else { break }
                if case .reply(77, .welcome) = try FarmCodec.decode(bytes) { return }
            }
        }
        Issue.record("the flooding peer was never heard again")
    }

    private func report(_ lease: LeaseID, _ worker: borrowing Peer) throws -> FarmMessage {
        let blob = BlobFolder.name(of: [1])
        try worker.say(.report(.completed(TaskResult(lease: lease, blob: blob, pixels: nil, seconds: 1))))
        return try worker.hear()
    }

    private func submit(_ client: borrowing Peer, model: String) throws -> JobID {
        let id = SubmissionID(high: 3, low: 4)
        _ = try client.ask(
            .submit(Submission(id: id, name: "", owner: "", priority: 0, model: model, count: 1)))
        let image = ImageRequest(prompt: "p", seed: 1, options: RenderOptions(size: 64))
        _ = try client.ask(.submitImages(id, first: 0, images: [image]))
        guard case .submission(let state) = try client.ask(.submitEnd(id)), let job = state.job else {
            throw PeerError.unexpected
        }
        return job
    }
}
