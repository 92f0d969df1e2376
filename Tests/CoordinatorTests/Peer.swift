import Coordinator
import Farm
import FarmProtocol
import Foundation
import Logging
import ZeroMQ

/// A coordinator in a folder of its own that goes away with the test, with short times.
final class TestCoordinator {
    let folder: String
    let context: Context
    private let keys: KeyFolder?
    private(set) var service: CoordinatorService

    init(keys: KeyFolder? = nil) throws {
        self.keys = keys
        folder = NSTemporaryDirectory() + "tessera-\(UUID().uuidString)"
        context = try Context()
        service = try TestCoordinator.start(folder, context, keys)
    }

    /// A log that keeps nothing.
    static let silence = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    static func start(
        _ folder: String, _ context: Context, _ keys: KeyFolder? = nil
    ) throws -> CoordinatorService {
        var configuration = CoordinatorConfiguration(dataFolder: folder)
        configuration.keys = keys
        configuration.listen = "tcp://127.0.0.1:0"
        configuration.tickMilliseconds = 20
        configuration.options.grace = 1000
        return try CoordinatorService(configuration, context: context, log: silence)
    }

    /// Ends it and begins again on the same folder, on another port.
    func restart() throws {
        service.stop()
        service = try TestCoordinator.start(folder, context, keys)
    }

    deinit {
        service.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }
}

/// A peer that speaks bytes: a worker, a client or neither, as the test says.
struct Peer: ~Copyable {
    let socket: Socket

    init(_ context: Context, _ endpoint: Endpoint, curve: CurveSide? = nil) throws {
        var options = SocketOptions.blobs(chunkBytes: Limits.controlMessageBytes)
        options.curve = curve
        options.lingerMilliseconds = 0
        let socket = try Socket(context, .dealer, options: options)
        try socket.connect(endpoint.address)
        self.socket = socket
    }

    borrowing func say(_ message: FarmMessage) throws { try socket.send([FarmCodec.encode(message)]) }

    /// The next message within ten seconds; heartbeats are skipped.
    borrowing func hear() throws -> FarmMessage {
        for _ in 0..<100 {
            guard try socket.waitUntilReadable(milliseconds: 10_000) else { throw PeerError.silence }
            guard let frames = try socket.receive(), let bytes = frames.first else { continue }
            let message = try FarmCodec.decode(bytes)
            if message != .order(.heartbeat) { return message }
        }
        throw PeerError.silence
    }

    borrowing func ask(_ request: ClientRequest) throws -> ClientReply {
        try say(.request(number: 5, request))
        guard case .reply(5, let reply) = try hear() else { throw PeerError.unexpected }
        return reply
    }

    borrowing func ask(_ request: BlobRequest) throws -> BlobReply {
        try say(.blobRequest(request))
        guard case .blobReply(let reply) = try hear() else { throw PeerError.unexpected }
        return reply
    }

    /// Uploads as the coordinator asks for it.
    borrowing func upload(_ blob: BlobID, _ bytes: [UInt8]) throws -> BlobReply {
        var reply = try ask(.offer(blob, bytes: bytes.count))
        while case .want(_, let offset, let length) = reply {
            reply = try ask(.chunk(blob, offset: offset, bytes: Array(bytes[offset..<offset + length])))
        }
        return reply
    }
}

enum PeerError: Error { case silence, unexpected }
