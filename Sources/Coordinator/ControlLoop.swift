import Farm
import FarmProtocol
import Glibc
import Logging
import OrderedCollections
import Store
import ZeroMQ

/// The thread that decides: messages in, one transaction, messages out.
final class ControlLoop: PollHandler {
    /// Word from other threads.
    enum Event: Sendable {
        /// The disk of the blobs is full.
        case diskTrouble(String)
    }

    /// Workers' reports taken before what they changed is committed, and the rest of a bundle. More of them
    /// are cheaper each, and the first waits longer: `ops/decisions/0012` has figures.
    static let reportsPerTurn = 128
    /// Messages read from the socket in one turn.
    private static let readsPerTurn = 1024
    /// Milliseconds between looks for connections of workers that are lost.
    static let sweepPause: Int64 = 5_000

    let storage: Storage
    let settings: CoordinatorConfiguration
    let log: Logger
    let clock = FarmClock()
    private let socket: Socket
    private var token: PollItems.Token?
    var machine: CoordinatorMachine

    /// Where a worker is, and the protocol version that both speak.
    struct Route {
        var peer: [UInt8]
        var version: Int
    }

    /// Where each worker is, and who each connection is.
    var routes: [WorkerSession: Route] = [:]
    var peers: [[UInt8]: WorkerSession] = [:]
    /// Clients that wait for the machine's answer, by its request's number.
    var waiting: [RequestID: (peer: [UInt8], number: UInt64)] = [:]
    var lastRequest: UInt64 = 0
    /// Clients that wait for a job to change.
    var watchers: [Watcher] = []

    /// Whom connections may belong to; nil: no keys are asked for.
    let keys: KeyRing?
    /// Which key each worker's name came with.
    var holders: [WorkerID: CurveKey] = [:]
    /// Messages of each connection in this second.
    var heard: [[UInt8]: Int] = [:]
    var nextLook: Instant
    var drops = Drops()
    private var inbox = ReportInbox()

    /// Decided but not yet on disk, and what may only leave after that.
    private var changes: [CoordinatorChange] = []
    private var outgoing: [CoordinatorEffect] = []
    /// What keeps the last turn from the disk; while there is something, nothing new is decided.
    private(set) var stall: String?
    private var diskTrouble: String?
    private var nextTick: Instant
    private var lastTurn: Instant
    private var nextSweep: Instant
    private var nextProbe: Instant

    init(
        _ context: Context, endpoint: Endpoint, storage: Storage, settings: CoordinatorConfiguration,
        keys: KeyRing?, log: Logger,
        _ bound: @Sendable (Endpoint) -> Void
    ) throws(ZeroMQError) {
        var options = SocketOptions()
        options.maxFrameBytes = Int64(Limits.controlMessageBytes)
        options.curve = settings.keys.map { .server($0.pair) }
        socket = try Socket(context, .router, options: options)
        try socket.bind(endpoint.address)
        bound(try Endpoint(parsing: socket.boundEndpoint()))
        self.storage = storage
        self.settings = settings
        self.keys = keys
        self.log = log
        let now = clock.now
        machine = CoordinatorMachine(options: settings.options, restoring: storage.takeSnapshot(), at: now)
        nextTick = now
        lastTurn = now
        nextLook = now
        nextSweep = now
        nextProbe = now
    }

    func prepare(_ items: inout PollItems) -> Int? {
        token = items.add(socket)
        if hasMore || !inbox.isEmpty { return 0 }
        return Int(max(0, nextTick.milliseconds(since: clock.now)))
    }

    func turn(_ events: [Event], _ items: borrowing PollItems) -> Bool {
        excuseWorkers()
        for case .diskTrouble(let text) in events where diskTrouble == nil {
            diskTrouble = text
            apply(.trouble(text))
        }
        if let token, items.isReadable(token) { receive() }
        takeReports()
        if hasMore { apply(.proceed) }
        let now = clock.now
        if now >= nextTick {
            nextTick = now.advanced(by: Int64(settings.tickMilliseconds))
            apply(.tick)
            lookAtAccess(at: now)
            probe(at: now)
            settle()
            // Not before what was decided has left: who is refused is not known to the machine.
            forgetLostPeers(at: now)
            answerWatchers(at: now)
        }
        settle()
        return true
    }

    func finish(_ error: ZeroMQError?) {
        if let error { log.error("control socket: \(error)") }
        settle()
        for route in routes.values { send(.order(.goodbye), to: route.peer) }
        log.info("coordinator stopped")
    }

    /// What was not heard because this process slept or waited for its disk is nobody's silence.
    private func excuseWorkers() {
        let now = clock.now
        let pause = now.milliseconds(since: lastTurn)
        lastTurn = now
        guard pause > settings.options.longestTurn else { return }
        log.warning("the coordinator stood still for \(pause) ms; workers are given that time")
        apply(.resumed(after: pause))
    }

    /// Whether the machine has work left and may decide.
    private var hasMore: Bool { stall == nil && machine.hasMore }

    /// Reads what is there. Clients are answered now, before the reports of thousands of workers.
    private func receive() {
        for _ in 0..<ControlLoop.readsPerTurn where !inbox.isFull {
            do throws(ZeroMQError) {
                guard let (frames, key) = try socket.receiveSigned(maxBytes: Limits.controlMessageBytes + 256)
                else { return }
                guard frames.count == 2 else {
                    drops.malformed += 1
                    continue
                }
                guard isWithinRate(frames[0]) else { continue }
                sort(unpack(frames[1], from: frames[0]), bytes: frames[1].count, from: frames[0], key: key)
            } catch {
                log.debug("control socket: \(error)")
                guard case .messageTooLarge = error else { return }
                drops.malformed += 1
            }
        }
    }

    private func sort(_ messages: [FarmMessage], bytes: Int, from peer: [UInt8], key: CurveKey?) {
        var reports: [WorkerReport] = []
        for message in messages where allows(message, key: key, from: peer) {
            switch message {
            case .report(let report): reports.append(report)
            case .request(let number, .submit(let submission)):
                take(.submit(owned(submission, key: key)), number: number, from: peer)
            case .request(let number, let request): take(request, number: number, from: peer)
            case .order, .reply, .blobRequest, .blobReply:
                log.debug("a message of the wrong direction was dropped")
                drops.malformed += 1
            }
        }
        inbox.put(ReportInbox.Parcel(peer: peer, reports: reports, bytes: bytes))
    }

    private func takeReports() {
        var taken = 0
        while taken < ControlLoop.reportsPerTurn, let parcel = inbox.take() {
            for report in parcel.reports { take(report, from: parcel.peer) }
            taken += parcel.reports.count
        }
    }

    /// Lets the machine decide; what it wants is done when the turn is settled.
    func apply(_ event: CoordinatorEvent) {
        for effect in machine.apply(event, at: clock.now) {
            switch effect {
            case .persist(let change): changes.append(change)
            case .notice(let notice): log.log(level: notice.isWarning ? .warning : .info, "\(notice.text)")
            case .send, .assign, .reply: outgoing.append(effect)
            }
        }
    }

    /// Commits what was decided, then lets the messages go. What cannot be delivered is decided anew.
    private func settle() {
        while !changes.isEmpty || !outgoing.isEmpty {
            guard commit() else { return }
            let messages = outgoing
            outgoing = []
            perform(messages)
        }
    }

    private func commit() -> Bool {
        guard stall == nil || clock.now >= nextProbe else { return false }
        do throws(StoreError) {
            try storage.jobs.commit(changes)
        } catch {
            nextProbe = clock.now.advanced(by: settings.probeMilliseconds)
            if stall == nil {
                log.error("\(error)")
                stall = error.description
                apply(.trouble(error.description))
                refuseWaiting(error.description)
            }
            return false
        }
        let written = changes
        changes = []
        removeIntermediates(after: written)
        if stall != nil {
            stall = nil
            log.info("the data folder can be written again")
            apply(.trouble(diskTrouble))
        }
        return true
    }

    /// Tells clients at once that their requests are not on disk; repeating them later does no harm.
    private func refuseWaiting(_ text: String) {
        for client in waiting.values {
            answer(.refused(Refusal(.unavailable, text)), number: client.number, to: client.peer)
        }
        waiting = [:]
    }

    private func removeIntermediates(after changes: [CoordinatorChange]) {
        do throws(StoreError) {
            for blob in try storage.jobs.disposable(after: changes) { storage.blobs.remove(blob) }
        } catch {
            log.warning("intermediate blobs stay: \(error)")
        }
    }

    /// Tries whether a full disk has space again.
    private func probe(at now: Instant) {
        guard diskTrouble != nil, now >= nextProbe else { return }
        nextProbe = now.advanced(by: settings.probeMilliseconds)
        do throws(StoreError) {
            try storage.folder.probe(bytes: settings.probeBytes)
            diskTrouble = nil
            log.info("the disk has space again")
            apply(.trouble(stall))
        } catch {
            log.debug("\(error)")
        }
    }

    private func perform(_ messages: [CoordinatorEffect]) {
        var requests = ArraySlice(requests(of: messages))
        var orders: OrderedDictionary<WorkerSession, [WorkerOrder]> = [:]
        for message in messages {
            switch message {
            case .persist, .notice: break
            case .send(let session, let order): orders[session, default: []].append(order)
            case .assign(let session, let dispatch):
                if let request = requests.popFirst() ?? nil {
                    orders[session, default: []].append(.assign(Assignment(dispatch, request)))
                } else {
                    apply(.undelivered(session, dispatch.lease))
                }
            case .reply(let request, let reply):
                guard let client = waiting.removeValue(forKey: request) else { continue }
                answer(reply, number: client.number, to: client.peer)
            }
        }
        for (session, orders) in orders { deliver(orders, to: session) }
    }

    /// Sends a worker all that a turn has for it, together where it understands that.
    private func deliver(_ orders: [WorkerOrder], to session: WorkerSession) {
        var undelivered = orders[...]
        if let route = routes[session],
            let packed = try? FarmCodec.pack(orders.map { .order($0) }, version: route.version)
        {
            for bundle in packed {
                guard send(bundle.bytes, to: route.peer) else { break }
                undelivered = undelivered.dropFirst(bundle.count)
            }
        }
        for order in undelivered where order != .heartbeat {
            apply(.undelivered(session, order.assignedLease))
        }
    }

    /// What the assignments among `messages` ask to draw, in their order and read at once; empty when the
    /// store cannot be read.
    private func requests(of messages: [CoordinatorEffect]) -> [ImageRequest?] {
        let images = messages.compactMap { message in
            if case .assign(_, let dispatch) = message {
                (dispatch.lease.task.image, dispatch.options)
            } else {
                nil
            }
        }
        guard !images.isEmpty else { return [] }
        do throws(StoreError) {
            return try storage.jobs.requests(of: images)
        } catch {
            log.error("\(error)")
            return []
        }
    }

    /// Sends one message without waiting; false when the peer is gone or does not read.
    @discardableResult
    func send(_ message: FarmMessage, to peer: [UInt8]) -> Bool {
        do {
            return send(try FarmCodec.encode(message), to: peer)
        } catch {
            log.debug("not sent: \(error)")
            return false
        }
    }

    @discardableResult
    func send(_ bytes: [UInt8], to peer: [UInt8]) -> Bool {
        do throws(ZeroMQError) {
            try socket.send([peer, bytes])
            return true
        } catch {
            log.debug("not sent: \(error)")
            return false
        }
    }

    private func forgetLostPeers(at now: Instant) {
        guard now >= nextSweep else { return }
        nextSweep = now.advanced(by: ControlLoop.sweepPause)
        let lost = routes.keys.filter { !machine.knows($0) }
        for session in lost {
            if let route = routes.removeValue(forKey: session) { peers[route.peer] = nil }
        }
        // A name belongs to its key as long as one session of that name is known.
        let names = Set(routes.keys.map(\.worker))
        holders = holders.filter { names.contains($0.key) }
    }
}
