internal import Farm
internal import FarmProtocol
internal import ZeroMQ

/// Carries blobs to and from the coordinator on the blob socket. Lives on the messaging thread.
final class BlobCourier {
    private let context: Context
    private let coordinator: Endpoint
    private let keys: PeerKeys?
    private var socket: Socket
    private var isConnected = false
    private var transfers = BlobTransfers()

    init(context: Context, coordinator: Endpoint, keys: PeerKeys?) throws(ZeroMQError) {
        self.context = context
        self.keys = keys
        socket = try BlobCourier.open(context, keys)
        self.coordinator = coordinator
    }

    /// Opens the socket anew and begins unfinished transfers again.
    func connect(port: Int, at now: Instant) throws(ZeroMQError) {
        guard let port = UInt16(exactly: port) else { return }
        socket = try BlobCourier.open(context, keys)
        try socket.connect(coordinator.with(port: port).address)
        isConnected = true
        transfers.reconnect(at: now)
    }

    /// Queues the download of a task's input.
    func fetch(_ lease: LeaseID, _ id: BlobID, at now: Instant) { transfers.fetch(lease, id, at: now) }

    /// Queues the upload of a task's result.
    func upload(_ lease: LeaseID, _ id: BlobID, bytes: [UInt8], at now: Instant) {
        transfers.upload(lease, id, bytes: bytes, at: now)
    }

    /// Gives a task's input away.
    func takeInput(_ lease: LeaseID) -> [UInt8]? { transfers.takeInput(lease) }

    /// Drops everything of a lease.
    func drop(_ lease: LeaseID, at now: Instant) { transfers.drop(lease, at: now) }

    /// Adds the socket to a poll.
    func prepare(_ items: inout PollItems) -> PollItems.Token {
        items.add(socket)
    }

    /// When `tick` is due.
    var nextTick: Instant { isConnected ? transfers.nextTick : Instant(milliseconds: .max) }

    /// Sends what is due (again).
    func tick(at now: Instant) {
        if isConnected, let request = transfers.tick(at: now) { send(request) }
    }

    /// Takes the answers that have come.
    func receive(at now: Instant) -> [WorkerEvent] {
        var events: [WorkerEvent] = []
        for _ in 0..<16 {
            guard let frames = try? socket.receive(maxBytes: Limits.blobMessageBytes) else { break }
            guard let bytes = frames.first, case .blobReply(let reply)? = try? FarmCodec.decode(bytes) else {
                continue
            }
            let outcome = transfers.take(reply, at: now) { BlobID(hashing: $0) }
            if let event = outcome.event { events.append(event) }
            if let request = outcome.request { send(request) }
        }
        return events
    }

    /// A message that cannot go out now is sent again when its answer is overdue.
    private func send(_ request: BlobRequest) {
        guard let bytes = try? FarmCodec.encode(.blobRequest(request)) else { return }
        try? socket.send([bytes])
    }

    private static func open(_ context: Context, _ keys: PeerKeys?) throws(ZeroMQError) -> Socket {
        var options = SocketOptions.blobs(chunkBytes: Limits.chunkBytes)
        options.curve = keys?.side
        return try Socket(context, .dealer, options: options)
    }
}
