import Coordinator
import Farm
import FarmProtocol
import Store
import Testing
import ZeroMQ

/// The present protocol version and the one before it at one coordinator, over real sockets.
@Suite(.serialized) struct ProtocolVersionTests {
    /// The messages of each message of the socket, until there were `count`; heartbeats do not count.
    private func hear(_ count: Int, _ worker: borrowing Peer) throws -> [[WorkerOrder]] {
        var heard: [[WorkerOrder]] = []
        while heard.joined().count < count {
            guard try worker.socket.waitUntilReadable(milliseconds: 10_000) else { throw PeerError.silence }
            guard let bytes = try worker.socket.receive()?.first else { continue }
            let orders = try FarmCodec.unpack(bytes).compactMap { message -> WorkerOrder? in
                if case .order(let order) = message, order != .heartbeat { order } else { nil }
            }
            if !orders.isEmpty { heard.append(orders) }
        }
        return heard
    }

    private func submit(_ client: borrowing Peer, count: Int) throws {
        let id = SubmissionID(high: 5, low: 6)
        _ = try client.ask(
            .submit(Submission(id: id, name: "", owner: "", priority: 0, model: "toy", count: count)))
        let images = (0..<count).map {
            ImageRequest(prompt: "\($0)", seed: 1, options: RenderOptions(size: 64))
        }
        _ = try client.ask(.submitImages(id, first: 0, images: images))
        _ = try client.ask(.submitEnd(id))
    }

    /// Four tasks for a worker of four slots, then four results whose bytes are not there.
    @Test(arguments: [1...1: [1, 1, 1, 1], 1...2: [4], 2...7: [4]])
    func aWorkerGetsAndTellsThingsAsItsVersionHasIt(versions: ClosedRange<Int>, shape: [Int]) throws {
        let coordinator = try TestCoordinator()
        let worker = try Peer(coordinator.context, coordinator.service.endpoint)
        let hello = WorkerHello(
            session: WorkerSession(worker: WorkerID("w"), nonce: 1), oldestProtocol: versions.lowerBound,
            newestProtocol: versions.upperBound, slots: 4, models: [CoordinatorServiceTests.model])
        try worker.say(.report(.hello(hello)))
        guard case .welcome(let welcome)? = try hear(1, worker).first?.first else {
            throw PeerError.unexpected
        }
        #expect(welcome.protocolVersion == min(versions.upperBound, 2))
        try submit(try Peer(coordinator.context, coordinator.service.endpoint), count: 4)
        let tasks = try hear(4, worker)
        #expect(tasks.map(\.count) == shape)
        let leases = tasks.joined().compactMap(\.assignedLease)
        #expect(leases.map(\.task.image.index) == [0, 1, 2, 3])
        let blob = BlobFolder.name(of: [1])
        let results = leases.map { lease in
            FarmMessage.report(.completed(TaskResult(lease: lease, blob: blob, pixels: nil, seconds: 1)))
        }
        for packed in try FarmCodec.pack(results, version: welcome.protocolVersion) {
            try worker.socket.send([packed.bytes])
        }
        let answers = try hear(4, worker)
        #expect(Array(answers.joined()) == leases.map { .acknowledged($0, .blobMissing) })
        if versions.upperBound > 1 { #expect(answers.count == 1) }
    }
}
