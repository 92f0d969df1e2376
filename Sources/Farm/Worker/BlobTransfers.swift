/// A worker's blobs on their way to and from the coordinator, one at a time. A value like the machines: it
/// says what to send and what came of it, and asks the caller for the one thing that it cannot do, hashing.
package struct BlobTransfers: Hashable, Sendable {
    private enum Load: Hashable {
        case input(BlobDownload)
        case result(BlobUpload)
    }

    private struct Transfer: Hashable {
        let lease: LeaseID
        var load: Load
        /// Times that the bytes turned out wrong.
        var spoilt = 0
    }

    /// What a reply leads to.
    package struct Outcome: Hashable, Sendable {
        /// For the worker's machine.
        package var event: WorkerEvent?
        /// To be sent to the coordinator; lost, it is sent again when its answer is overdue.
        package var request: BlobRequest?
    }

    /// Milliseconds without an answer after which the last message is sent again.
    private static let patience: Int64 = 5_000
    /// Milliseconds before the coordinator is asked again after it was busy or its disk full.
    private static let pause: Int64 = 1_000
    /// Times that the bytes may turn out wrong before the transfer is given up.
    private static let chances = 3

    private var transfers: [Transfer] = []
    /// Inputs that have come, until the engine takes them. Looked up, never iterated.
    private var inputs: [LeaseID: [UInt8]] = [:]
    /// When the first transfer's message goes out (again).
    private var due = Instant(milliseconds: 0)

    /// Nothing on its way.
    package init() {}

    /// The connection is new: what is on its way begins again at once.
    package mutating func reconnect(at now: Instant) { due = now }

    /// Queues the download of a task's input.
    package mutating func fetch(_ lease: LeaseID, _ id: BlobID, at now: Instant) {
        add(Transfer(lease: lease, load: .input(BlobDownload(id))), at: now)
    }

    /// Queues the upload of a task's result.
    package mutating func upload(_ lease: LeaseID, _ id: BlobID, bytes: [UInt8], at now: Instant) {
        add(Transfer(lease: lease, load: .result(BlobUpload(id, bytes: bytes))), at: now)
    }

    /// Gives a task's input away.
    package mutating func takeInput(_ lease: LeaseID) -> [UInt8]? {
        inputs.removeValue(forKey: lease)
    }

    /// Drops everything of a lease.
    package mutating func drop(_ lease: LeaseID, at now: Instant) {
        inputs[lease] = nil
        if transfers.first?.lease == lease { due = now }
        transfers.removeAll { $0.lease == lease }
    }

    /// When `tick` is due.
    package var nextTick: Instant { transfers.isEmpty ? Instant(milliseconds: .max) : due }

    /// What is due to be sent (again).
    package mutating func tick(at now: Instant) -> BlobRequest? {
        guard let transfer = transfers.first, now >= due else { return nil }
        due = now.advanced(by: BlobTransfers.patience)
        switch transfer.load {
        case .input(let download): return download.request
        case .result(let upload): return upload.offer
        }
    }

    /// Takes one reply. `name` hashes bytes.
    package mutating func take(
        _ reply: BlobReply, at now: Instant, name: ([UInt8]) -> BlobID?
    ) -> Outcome {
        guard let transfer = transfers.first else { return Outcome() }
        var outcome = Outcome()
        switch transfer.load {
        case .input(var download):
            let next = download.take(reply)
            transfers[0].load = .input(download)
            outcome.event = take(next, download, transfer, at: now, name: name)
        case .result(let upload):
            let next = upload.take(reply)
            if case .send(let chunk) = next {
                due = now.advanced(by: BlobTransfers.patience)
                return Outcome(event: nil, request: chunk)
            }
            outcome.event = take(next, transfer, at: now)
        }
        outcome.request = tick(at: now)
        return outcome
    }

    private mutating func take(
        _ next: BlobDownload.Next, _ download: BlobDownload, _ transfer: Transfer, at now: Instant,
        name: ([UInt8]) -> BlobID?
    ) -> WorkerEvent? {
        switch next {
        case .ignore: return nil
        case .ask:
            due = now
            return nil
        case .complete:
            if name(download.bytes) == download.id {
                inputs[transfer.lease] = download.bytes
                end(at: now)
                return .inputReady(transfer.lease)
            }
            return spoilt(.input(BlobDownload(download.id)), transfer, at: now)
        case .refused(.busy), .refused(.diskFull), .refused(.failed), .refused(.outOfOrder):
            due = now.advanced(by: BlobTransfers.pause)
            return nil
        // An answer to this blob's upload, come twice: nothing read has a hash to be wrong.
        case .refused(.wrongHash): return nil
        case .refused(.notFound), .refused(.badSize):
            end(at: now)
            return .inputFailed(
                transfer.lease, .inputMissing, "The coordinator does not have the input \(download.id).")
        }
    }

    private mutating func take(
        _ next: BlobUpload.Next, _ transfer: Transfer, at now: Instant
    ) -> WorkerEvent? {
        switch next {
        case .ignore, .send: return nil
        case .stored:
            end(at: now)
            return .uploaded(transfer.lease)
        case .refused(.busy), .refused(.diskFull), .refused(.failed), .refused(.outOfOrder),
            .refused(.notFound):
            due = now.advanced(by: BlobTransfers.pause)
            return nil
        case .refused(.wrongHash): return spoilt(transfer.load, transfer, at: now)
        case .refused(.badSize):
            end(at: now)
            return .uploadRefused(transfer.lease, "The coordinator does not take a result of this size.")
        }
    }

    /// Begins again with `load`, unless the bytes were wrong too often.
    private mutating func spoilt(_ load: Load, _ transfer: Transfer, at now: Instant) -> WorkerEvent? {
        if transfer.spoilt + 1 < BlobTransfers.chances {
            transfers[0].load = load
            transfers[0].spoilt += 1
            due = now
            return nil
        }
        end(at: now)
        let message =
            "The bytes arrived wrong \(BlobTransfers.chances) times; check this machine's memory and network."
        switch load {
        case .input: return .inputFailed(transfer.lease, .inputMissing, message)
        case .result: return .uploadRefused(transfer.lease, message)
        }
    }

    private mutating func add(_ transfer: Transfer, at now: Instant) {
        if transfers.isEmpty { due = now }
        transfers.append(transfer)
    }

    private mutating func end(at now: Instant) {
        transfers.removeFirst()
        due = now
    }
}
