import Farm
import FarmProtocol
import Glibc
import Logging
import Store
import ZeroMQ

/// Takes and gives blobs in chunks. An upload has no state but its file and its announced size, so it goes on
/// after any break, from any sender.
final class BlobLoop: PollHandler {
    typealias Event = Never

    private struct Upload {
        var bytes: Int
        var touched: Instant
    }

    /// Uploads under way at once; beyond it senders are told to come again.
    static let mostUploads = 4096
    /// Seconds after which an upload that nobody continues is forgotten, with what has come of it.
    static let uploadLife = 600

    private let socket: Socket
    private let folder: BlobFolder
    private let keys: KeyRing?
    private let reports: TroubleReports
    private let log: Logger
    private let clock = FarmClock()
    private var token: PollItems.Token?
    private var uploads: [BlobID: Upload] = [:]
    private var nextSweep: Instant

    init(
        _ context: Context, endpoint: Endpoint, folder: BlobFolder, keys: KeyRing?, pair: CurveKeyPair?,
        reports: TroubleReports, log: Logger,
        _ bound: @Sendable (Endpoint) -> Void
    ) throws(ZeroMQError) {
        var options = SocketOptions.blobs(chunkBytes: Limits.chunkBytes)
        options.curve = pair.map { .server($0) }
        socket = try Socket(context, .router, options: options)
        self.keys = keys
        try socket.bind(endpoint.address)
        bound(try Endpoint(parsing: socket.boundEndpoint()))
        self.folder = folder
        self.reports = reports
        self.log = log
        nextSweep = clock.now
    }

    func prepare(_ items: inout PollItems) -> Int? {
        token = items.add(socket)
        return nil
    }

    func turn(_ events: [Never], _ items: borrowing PollItems) -> Bool {
        sweep()
        guard let token, items.isReadable(token) else { return true }
        for _ in 0..<64 {
            do throws(ZeroMQError) {
                guard let (frames, key) = try socket.receiveSigned(maxBytes: Limits.blobMessageBytes + 256)
                else { break }
                answer(frames, key: key)
            } catch {
                log.debug("blob socket: \(error)")
                guard case .messageTooLarge = error else { break }
            }
        }
        return true
    }

    func finish(_ error: ZeroMQError?) {
        if let error { log.error("blob socket: \(error)") }
    }

    /// Drops what nobody continues; its sender begins again.
    private func sweep() {
        let now = clock.now
        let life = Int64(BlobLoop.uploadLife) * 1000
        guard now >= nextSweep else { return }
        nextSweep = now.advanced(by: life)
        uploads = uploads.filter { now.milliseconds(since: $0.value.touched) < life }
        do throws(StoreError) {
            let count = try folder.discardAbandoned(olderThan: BlobLoop.uploadLife)
            if count > 0 { log.info("\(count) uploads that nobody continued were dropped") }
        } catch {
            log.warning("\(error)")
        }
    }

    private func answer(_ frames: [[UInt8]], key: CurveKey?) {
        guard frames.count == 2 else { return }
        let request: BlobRequest
        do throws(CodecError) {
            guard case .blobRequest(let decoded) = try FarmCodec.decode(frames[1]) else { return }
            request = decoded
        } catch {
            log.debug("blob socket: \(error)")
            return
        }
        guard allows(request, key: key) else {
            log.warning("blob socket: a request was dropped that its sender's key does not allow")
            return
        }
        // A peer that is gone or does not read gets no answer; it asks again when it is back.
        if let bytes = try? FarmCodec.encode(.blobReply(reply(to: request))) {
            try? socket.send([frames[0], bytes])
        }
    }

    private func allows(_ request: BlobRequest, key: CurveKey?) -> Bool {
        guard let keys else { return true }
        guard let key, let entry = keys.entry(key) else { return false }
        return entry.objection(to: .blobRequest(request)) == nil
    }

    private func reply(to request: BlobRequest) -> BlobReply {
        let blob: BlobID
        do throws(StoreError) {
            switch request {
            case .offer(let offered, let bytes):
                blob = offered
                return try offer(offered, bytes: bytes)
            case .chunk(let sent, let offset, let bytes):
                blob = sent
                return try take(sent, offset: offset, bytes: bytes)
            case .read(let wanted, let offset, let length):
                blob = wanted
                let size = folder.size(of: wanted)
                guard size ?? 0 <= Limits.blobBytes else { return .refused(wanted, .badSize) }
                guard let total = size,
                    let bytes = try folder.read(
                        wanted, offset: offset, length: min(length, Limits.chunkBytes))
                else { return .refused(wanted, .notFound) }
                return .bytes(wanted, offset: offset, total: total, bytes: bytes)
            }
        } catch {
            log.error("blob \(blob): \(error)")
            guard case .diskFull = error else { return .refused(blob, .failed) }
            uploads[blob] = nil
            reports.report(error.description)
            return .refused(blob, .diskFull)
        }
    }

    private func offer(_ blob: BlobID, bytes: Int) throws(StoreError) -> BlobReply {
        guard (1...Limits.blobBytes).contains(bytes) else { return .refused(blob, .badSize) }
        if folder.size(of: blob) != nil {
            // Seldom offered twice, and then perhaps because nobody could read it.
            if try folder.hasRightBytes(blob) { return .stored(blob) }
            log.error("blob \(blob) was damaged on disk; it is received again")
            folder.remove(blob)
        }
        guard uploads[blob] != nil || uploads.count < BlobLoop.mostUploads else {
            return .refused(blob, .busy)
        }
        if folder.received(blob) > bytes { folder.discard(blob) }
        uploads[blob] = Upload(bytes: bytes, touched: clock.now)
        return try proceed(blob, bytes: bytes)
    }

    private func take(_ blob: BlobID, offset: Int, bytes: [UInt8]) throws(StoreError) -> BlobReply {
        if folder.size(of: blob) != nil { return .stored(blob) }
        guard let upload = uploads[blob] else { return .refused(blob, .outOfOrder) }
        uploads[blob]?.touched = clock.now
        let received = folder.received(blob)
        if offset == received {
            guard received + bytes.count <= upload.bytes else { return .refused(blob, .badSize) }
            try folder.append(bytes, to: blob)
        }
        return try proceed(blob, bytes: upload.bytes)
    }

    /// Asks for the next bytes, or ends the upload when all have come.
    private func proceed(_ blob: BlobID, bytes: Int) throws(StoreError) -> BlobReply {
        let received = folder.received(blob)
        guard received >= bytes else {
            return .want(blob, offset: received, length: min(Limits.chunkBytes, bytes - received))
        }
        uploads[blob] = nil
        return try folder.finish(blob) ? .stored(blob) : .refused(blob, .wrongHash)
    }
}
