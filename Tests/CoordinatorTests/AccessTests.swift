import Coordinator
import Farm
import FarmProtocol
import Foundation
import Store
import Testing
import ZeroMQ

/// A coordinator with keys: what each key may say, on both sockets.
@Suite(.serialized) struct AccessTests {
    private let keys: KeyFolder
    private let root = FileManager.default.temporaryDirectory.appending(path: "access-\(UUID().uuidString)")
        .path()
    private let coordinator: TestCoordinator

    init() throws {
        keys = try KeyFolder.make(path: root)
        for (name, role) in [("box", PeerRole.worker), ("ann", .client), ("bob", .client), ("root", .admin)] {
            try keys.add(name, role: role, into: root + "/peers/" + name)
        }
        coordinator = try TestCoordinator(keys: keys)
    }

    private func peer(_ name: String, port: Int? = nil) throws -> Peer {
        let endpoint = coordinator.service.endpoint
        return try Peer(
            coordinator.context, port.map { endpoint.with(port: UInt16($0)) } ?? endpoint,
            curve: PeerKeys(folder: root + "/peers/" + name).side)
    }

    @Test func eachRoleSaysWhatItMayAndNoMore() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let box = try peer("box")
        let ann = try peer("ann")
        let root = try peer("root")
        guard case .welcome(let server) = try ann.ask(.hello) else { throw PeerError.unexpected }
        guard case .welcome = try root.ask(.hello) else { throw PeerError.unexpected }
        guard case .refused(let refusal) = try box.ask(.hello) else { throw PeerError.unexpected }
        #expect(refusal.message.contains("role worker"))
        try ann.say(CoordinatorServiceTests.hello(1))
        guard case .order(.refused(let text)) = try ann.hear() else { throw PeerError.unexpected }
        #expect(text.contains("role client"))
        try box.say(CoordinatorServiceTests.hello(1))
        guard case .order(.welcome) = try box.hear() else { throw PeerError.unexpected }

        let bytes: [UInt8] = [1, 2, 3]
        let blob = BlobFolder.name(of: bytes)
        let boxBlobs = try peer("box", port: server.blobPort)
        let annBlobs = try peer("ann", port: server.blobPort)
        // A client's upload is dropped; what it asks next is answered.
        try annBlobs.say(.blobRequest(.offer(blob, bytes: 3)))
        #expect(try annBlobs.ask(.read(blob, offset: 0, length: 3)) == .refused(blob, .notFound))
        #expect(try boxBlobs.upload(blob, bytes) == .stored(blob))
        #expect(
            try annBlobs.ask(.read(blob, offset: 0, length: 3))
                == .bytes(blob, offset: 0, total: 3, bytes: bytes))
    }

    @Test func aClientsJobsAreItsOwn() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let ann = try peer("ann")
        let bob = try peer("bob")
        let root = try peer("root")
        let id = SubmissionID(high: 1, low: 1)
        let image = ImageRequest(prompt: "p", seed: 1, options: RenderOptions(size: 64))
        _ = try ann.ask(
            .submit(Submission(id: id, name: "", owner: "bob", priority: 0, model: "toy", count: 1)))
        _ = try ann.ask(.submitImages(id, first: 0, images: [image]))
        guard case .submission(let state) = try ann.ask(.submitEnd(id)), let job = state.job else {
            throw PeerError.unexpected
        }
        guard case .status(let status) = try bob.ask(.status(job, revision: nil, waitMilliseconds: 0)) else {
            throw PeerError.unexpected
        }
        #expect(status.owner == "ann")
        #expect(
            try bob.ask(.control(job, .cancel))
                == .refused(Refusal(.invalid, "Job \(job) is ann's; a key for role admin may change it.")))
        guard case .status(let paused) = try ann.ask(.control(job, .pause)) else {
            throw PeerError.unexpected
        }
        #expect(paused.state == .paused)
        guard case .status(let cancelled) = try root.ask(.control(job, .cancel)) else {
            throw PeerError.unexpected
        }
        #expect(cancelled.state == .cancelled)
    }

    @Test func aWorkersNameBelongsToItsKey() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        try keys.add("box-2", role: .worker, into: root + "/peers/box-2")
        let first = try peer("box")
        let second = try peer("box-2")
        try first.say(CoordinatorServiceTests.hello(1))
        guard case .order(.welcome) = try first.hear() else { throw PeerError.unexpected }
        try second.say(CoordinatorServiceTests.hello(2))
        guard case .order(.refused(let text)) = try second.hear() else { throw PeerError.unexpected }
        #expect(text.contains("another key"))
    }

    @Test func aRevokedKeyIsRefusedAtItsNextMessage() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let ann = try peer("ann")
        guard case .welcome = try ann.ask(.hello) else { throw PeerError.unexpected }
        try keys.revoke("ann")
        #expect(try ann.ask(.hello) == .refused(Refusal(.invalid, "Your key is not accepted here any more.")))
    }

    @Test func aDamagedKeyFileKeepsNoRevokedKeyAlive() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let ann = try peer("ann")
        let bob = try peer("bob")
        guard case .welcome = try ann.ask(.hello) else { throw PeerError.unexpected }
        try Data("nothing".utf8).write(to: URL(fileURLWithPath: root + "/authorized/odd"))
        try keys.revoke("ann")
        guard case .refused = try ann.ask(.hello) else { throw PeerError.unexpected }
        guard case .welcome = try bob.ask(.hello) else { throw PeerError.unexpected }
    }

    @Test func withoutKeysNobodyListensForOthers() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let error = CoordinatorError.notLoopback(endpoint: "tcp://0.0.0.0:7420")
        #expect(error.description.contains("tessera keys init"))
        #expect(error.description.contains("--keys"))
    }
}
