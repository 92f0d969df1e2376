internal import Farm
internal import FarmProtocol
internal import ZeroMQ

/// Carries blobs to and from the coordinator, one at a time, on the blob socket. Lives on the messaging
/// thread.
final class BlobCourier {
    private enum Load {
        case input(BlobDownload)
        case result(BlobUpload)
    }

    private struct Transfer {
        let lease: LeaseID
        var load: Load
        /// Times that the bytes turned out wrong.
        var spoilt = 0
    }

    /// Milliseconds without an answer after which the last message is sent again.
    private static let patience: Int64 = 5_000
    /// Milliseconds before the coordinator is asked again after it was busy or its disk full.
    private static let pause: Int64 = 1_000
    /// Times that the bytes may turn out wrong before the transfer is given up.
    private static let chances = 3

    private let context: Context
    private let coordinator: Endpoint
    private var socket: Socket
    private var isConnected = false
    private var transfers: [Transfer] = []
    /// Inputs that have come, until the engine takes them.
    private var inputs: [LeaseID: [UInt8]] = [:]
    /// When the first transfer's message goes out (again).
    private var due = Instant(milliseconds: 0)

    init(context: Context, coordinator: Endpoint) throws(ZeroMQError) {
        self.context = context
        socket = try BlobCourier.open(context)
        self.coordinator = coordinator
    }

    /// Opens the socket anew and begins unfinished transfers again.
    func connect(port: Int, at now: Instant) throws(ZeroMQError) {
        guard let port = UInt16(exactly: port) else { return }
        socket = try BlobCourier.open(context)
        try socket.connect(coordinator.with(port: port).address)
        isConnected = true
        due = now
    }

    /// Queues the download of a task's input.
    func fetch(_ lease: LeaseID, _ id: BlobID, at now: Instant) {
        add(Transfer(lease: lease, load: .input(BlobDownload(id))), at: now)
    }

    /// Queues the upload of a task's result.
    func upload(_ lease: LeaseID, _ id: BlobID, bytes: [UInt8], at now: Instant) {
        add(Transfer(lease: lease, load: .result(BlobUpload(id, bytes: bytes))), at: now)
    }

    /// Gives a task's input away.
    func takeInput(_ lease: LeaseID) -> [UInt8]? {
        inputs.removeValue(forKey: lease)
    }

    /// Drops everything of a lease.
    func drop(_ lease: LeaseID, at now: Instant) {
        inputs[lease] = nil
        if transfers.first?.lease == lease { due = now }
        transfers.removeAll { $0.lease == lease }
    }

    /// Adds the socket to a poll.
    func prepare(_ items: inout PollItems) -> PollItems.Token {
        items.add(socket)
    }

    /// When `tick` is due.
    var nextTick: Instant {
        isConnected && !transfers.isEmpty ? due : Instant(milliseconds: .max)
    }

    /// Sends what is due (again).
    func tick(at now: Instant) {
        guard isConnected, let transfer = transfers.first, now >= due else { return }
        switch transfer.load {
        case .input(let download): send(download.request)
        case .result(let upload): send(upload.offer)
        }
        due = now.advanced(by: BlobCourier.patience)
    }

    /// Takes the answers that have come.
    func receive(at now: Instant) -> [WorkerEvent] {
        var events: [WorkerEvent] = []
        for _ in 0..<16 {
            guard let frames = try? socket.receive(maxBytes: Limits.blobMessageBytes) else { break }
            guard let bytes = frames.first, case .blobReply(let reply)? = try? FarmCodec.decode(bytes) else {
                continue
            }
            if let event = take(reply, at: now) { events.append(event) }
            tick(at: now)
        }
        return events
    }

    private func take(_ reply: BlobReply, at now: Instant) -> WorkerEvent? {
        guard let transfer = transfers.first else { return nil }
        switch transfer.load {
        case .input(var download):
            let next = download.take(reply)
            transfers[0].load = .input(download)
            return take(next, download, transfer, at: now)
        case .result(let upload): return take(upload.take(reply), transfer, at: now)
        }
    }

    private func take(
        _ next: BlobDownload.Next, _ download: BlobDownload, _ transfer: Transfer, at now: Instant
    ) -> WorkerEvent? {
        switch next {
        case .ignore: return nil
        case .ask:
            due = now
            return nil
        case .complete:
            if BlobID(hashing: download.bytes) == download.id {
                inputs[transfer.lease] = download.bytes
                end(at: now)
                return .inputReady(transfer.lease)
            }
            return spoilt(.input(BlobDownload(download.id)), transfer, at: now)
        case .refused(.busy), .refused(.diskFull), .refused(.failed), .refused(.outOfOrder):
            due = now.advanced(by: BlobCourier.pause)
            return nil
        case .refused(.notFound), .refused(.badSize), .refused(.wrongHash):
            end(at: now)
            return .inputFailed(
                transfer.lease, .inputMissing, "The coordinator does not have the input \(download.id).")
        }
    }

    private func take(_ next: BlobUpload.Next, _ transfer: Transfer, at now: Instant) -> WorkerEvent? {
        switch next {
        case .ignore: return nil
        case .send(let chunk):
            send(chunk)
            due = now.advanced(by: BlobCourier.patience)
            return nil
        case .stored:
            end(at: now)
            return .uploaded(transfer.lease)
        case .refused(.busy), .refused(.diskFull), .refused(.failed), .refused(.outOfOrder),
            .refused(.notFound):
            due = now.advanced(by: BlobCourier.pause)
            return nil
        case .refused(.wrongHash): return spoilt(transfer.load, transfer, at: now)
        case .refused(.badSize):
            end(at: now)
            return .uploadRefused(transfer.lease, "The coordinator does not take a result of this size.")
        }
    }

    /// Begins again with `load`, unless the bytes were wrong too often.
    private func spoilt(_ load: Load, _ transfer: Transfer, at now: Instant) -> WorkerEvent? {
        if transfer.spoilt + 1 < BlobCourier.chances {
            transfers[0].load = load
            transfers[0].spoilt += 1
            due = now
            return nil
        }
        end(at: now)
        let message =
            "The bytes arrived wrong \(BlobCourier.chances) times; check this machine's memory and network."
        switch load {
        case .input: return .inputFailed(transfer.lease, .inputMissing, message)
        case .result: return .uploadRefused(transfer.lease, message)
        }
    }

    private func add(_ transfer: Transfer, at now: Instant) {
        if transfers.isEmpty { due = now }
        transfers.append(transfer)
    }

    private func end(at now: Instant) {
        transfers.removeFirst()
        due = now
    }

    /// A message that cannot go out now is sent again when its answer is overdue.
    private func send(_ request: BlobRequest) {
        guard let bytes = try? FarmCodec.encode(.blobRequest(request)) else { return }
        try? socket.send([bytes])
    }

    private static func open(_ context: Context) throws(ZeroMQError) -> Socket {
        try Socket(context, .dealer, options: .blobs(chunkBytes: Limits.chunkBytes))
    }
}
