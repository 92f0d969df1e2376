import Crypto
import Farm
import FarmProtocol
import Testing
import ZeroMQ

/// A coordinator that does what a test says. It carries blobs by itself while it waits for reports.
final class FakeCoordinator {
    private let control: Socket
    private let blobs: Socket
    private var partial: [BlobID: [UInt8]] = [:]
    private var worker: [UInt8] = []
    /// Blobs that it has.
    var store: [BlobID: [UInt8]] = [:]
    let endpoint: Endpoint
    let blobPort: Int
    /// The farm that it says it is.
    var farm = FarmID(21)

    init(_ context: Context, port: UInt16 = 0) throws {
        control = try FakeCoordinator.listen(context, port)
        endpoint = try Endpoint(parsing: control.boundEndpoint())
        blobs = try Socket(context, .router, options: .blobs(chunkBytes: Limits.chunkBytes))
        try blobs.bind("tcp://127.0.0.1:*")
        blobPort = Int(try Endpoint(parsing: blobs.boundEndpoint()).port)
    }

    /// The library gives a closed socket's port back a little later.
    private static func listen(_ context: Context, _ port: UInt16) throws -> Socket {
        let socket = try Socket(context, .router)
        let address = Endpoint(host: "127.0.0.1", port: port).address
        for _ in 0..<200 {
            do {
                try socket.bind(address)
                return socket
            } catch ZeroMQError.addressInUse {
                try socket.waitUntilReadable(milliseconds: 20)
            }
        }
        throw Missing()
    }

    /// The next report that `wanted` picks; others are passed over.
    func next<Value>(_ wanted: (WorkerReport) -> Value?) throws -> Value {
        for _ in 0..<2000 {
            while let frames = try blobs.receive() { try carry(frames) }
            while let frames = try control.receive() {
                worker = frames[0]
                guard case .report(let report) = try FarmCodec.decode(frames[1]) else { continue }
                if let value = wanted(report) { return value }
            }
            try control.waitUntilReadable(milliseconds: 5)
        }
        throw Missing()
    }

    struct Missing: Error {}

    func send(_ order: WorkerOrder) throws {
        try control.send([worker, try FarmCodec.encode(.order(order))])
    }

    /// Waits for a hello and welcomes.
    @discardableResult
    func welcome(kept: [LeaseID] = []) throws -> WorkerHello {
        let hello = try next { if case .hello(let hello) = $0 { hello } else { nil } }
        try send(
            .welcome(
                Welcome(
                    protocolVersion: 1, blobPort: blobPort, heartbeatMilliseconds: 50,
                    graceMilliseconds: 60_000, farm: farm,
                    kept: kept)))
        return hello
    }

    func completed() throws -> TaskResult {
        try next { if case .completed(let result) = $0 { result } else { nil } }
    }

    func failed() throws -> TaskFailure {
        try next { if case .failed(let failure) = $0 { failure } else { nil } }
    }

    /// Loses all blobs.
    func forgetBlobs() {
        store = [:]
        partial = [:]
    }

    /// Puts a blob into the store.
    func add(_ bytes: [UInt8]) throws -> BlobID {
        let id = BlobID(try #require(Digest(bytes: SHA256.hash(data: bytes))))
        store[id] = bytes
        return id
    }

    private func carry(_ frames: [[UInt8]]) throws {
        guard case .blobRequest(let request) = try FarmCodec.decode(frames[1]) else { return }
        let reply: BlobReply
        switch request {
        case .offer(let id, _): reply = .want(id, offset: partial[id, default: []].count, length: 100)
        case .chunk(let id, _, let bytes):
            partial[id, default: []] += bytes
            let all = partial[id, default: []]
            if try add(all) == id {
                reply = .stored(id)
            } else {
                reply = .want(id, offset: all.count, length: 100)
            }
        case .read(let id, let offset, let length):
            if let bytes = store[id] {
                let end = min(bytes.count, offset + min(length, 70))
                reply = .bytes(id, offset: offset, total: bytes.count, bytes: Array(bytes[offset..<end]))
            } else {
                reply = .refused(id, .notFound)
            }
        }
        try blobs.send([frames[0], try FarmCodec.encode(.blobReply(reply))])
    }
}
