import Coordinator
import Farm
import FarmProtocol
import Foundation
import Store
import Testing
import ZeroMQ

/// A coordinator on a file system of a few MiB. Mounting one needs root.
@Suite(.serialized, .enabled(if: geteuid() == 0)) struct DiskFullTests {
    /// A small file system that goes away with the test.
    private final class SmallDisk {
        let path = NSTemporaryDirectory() + "tessera-disk-\(UUID().uuidString)"

        init(mebibytes: Int) throws {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            guard mount("tmpfs", path, "tmpfs", 0, "size=\(mebibytes)m") == 0 else {
                throw PeerError.unexpected
            }
        }

        /// Takes all space but some KiB.
        func fill(leaving kibibytes: Int) throws {
            var status = statvfs()
            guard statvfs(path, &status) == 0 else { throw PeerError.unexpected }
            let free = Int(status.f_bavail) * Int(status.f_frsize) - kibibytes << 10
            try Data(repeating: 1, count: max(0, free)).write(to: URL(fileURLWithPath: path + "/ballast"))
        }

        func empty() throws { try FileManager.default.removeItem(atPath: path + "/ballast") }

        deinit {
            umount2(path, Int32(MNT_DETACH))
            rmdir(path)
        }
    }

    private func start(_ disk: SmallDisk, _ context: Context) throws -> CoordinatorService {
        var configuration = CoordinatorConfiguration(dataFolder: disk.path + "/data")
        configuration.listen = "tcp://127.0.0.1:0"
        configuration.tickMilliseconds = 20
        configuration.probeMilliseconds = 20
        configuration.probeBytes = 1 << 20
        return try CoordinatorService(configuration, context: context, log: TestCoordinator.silence)
    }

    /// Asks until the coordinator has no trouble any more.
    private func waitForHealth(_ client: borrowing Peer) throws {
        for _ in 0..<1000 {
            guard case .welcome(let server) = try client.ask(.hello) else { throw PeerError.unexpected }
            if server.trouble == nil { return }
            _ = try client.socket.waitUntilReadable(milliseconds: 10)
        }
        throw PeerError.silence
    }

    private func submission(_ number: UInt64) -> Submission {
        Submission(
            id: SubmissionID(high: 9, low: number), name: "n", owner: "o", priority: 0, model: "toy",
            count: 200)
    }

    @Test func aFullDiskRefusesABlobAndRecovers() throws {
        let disk = try SmallDisk(mebibytes: 4)
        let context = try Context()
        let service = try start(disk, context)
        defer { service.stop() }
        let client = try Peer(context, service.endpoint)
        guard case .welcome(let server) = try client.ask(.hello) else { throw PeerError.unexpected }
        let blobs = try Peer(context, service.endpoint.with(port: UInt16(server.blobPort)))
        try disk.fill(leaving: 512)
        let bytes = [UInt8](repeating: 7, count: 1 << 20)
        let blob = BlobFolder.name(of: bytes)
        #expect(try blobs.upload(blob, bytes) == .refused(blob, .diskFull))
        guard case .refused(let refusal) = try client.ask(.submit(submission(1))) else {
            throw PeerError.unexpected
        }
        #expect(refusal.code == .unavailable)
        #expect(refusal.message.contains("is full"))
        try disk.empty()
        try waitForHealth(client)
        #expect(try blobs.upload(blob, bytes) == .stored(blob))
        guard case .submission = try client.ask(.submit(submission(1))) else { throw PeerError.unexpected }
    }

    @Test func aFullDiskUnderTheDatabaseLosesNothing() throws {
        let disk = try SmallDisk(mebibytes: 8)
        let context = try Context()
        let service = try start(disk, context)
        let client = try Peer(context, service.endpoint)
        let head = submission(2)
        guard case .submission = try client.ask(.submit(head)) else { throw PeerError.unexpected }
        try disk.fill(leaving: 64)
        let image = ImageRequest(
            prompt: String(repeating: "long ", count: 1000), seed: 1, options: RenderOptions(size: 64))
        let images = ClientRequest.submitImages(
            head.id, first: 0, images: Array(repeating: image, count: 200))
        guard case .refused(let refusal) = try client.ask(images) else { throw PeerError.unexpected }
        #expect(refusal.code == .unavailable)
        #expect(refusal.message.contains("is full"))
        try disk.empty()
        try waitForHealth(client)
        guard case .submission(let state) = try client.ask(images) else { throw PeerError.unexpected }
        #expect(state.received == 200)
        guard case .submission(let ended) = try client.ask(.submitEnd(head.id)) else {
            throw PeerError.unexpected
        }
        let job = try #require(ended.job)
        service.stop()
        let again = try start(disk, context)
        defer { again.stop() }
        let other = try Peer(context, again.endpoint)
        guard case .images(let rows) = try other.ask(.images(job, from: 199, limit: 9, failedOnly: false))
        else {
            throw PeerError.unexpected
        }
        #expect(rows.map(\.request) == [image])
    }
}
