import Farm
import FarmProtocol
import Glibc
import Logging
import Store
import ZeroMQ

/// The thread that decides: messages in, one transaction, messages out.
final class ControlLoop: PollHandler {
    /// Word from other threads.
    enum Event: Sendable {
        /// The disk of the blobs is full.
        case diskTrouble(String)
    }

    /// Messages taken before what they changed is committed.
    static let messagesPerTurn = 512

    let storage: Storage
    let settings: CoordinatorConfiguration
    let log: Logger
    let clock = FarmClock()
    private let socket: Socket
    private var token: PollItems.Token?
    var machine: CoordinatorMachine

    /// Where each worker is, and who each connection is.
    var routes: [WorkerSession: [UInt8]] = [:]
    var peers: [[UInt8]: WorkerSession] = [:]
    /// Clients that wait for the machine's answer, by its request's number.
    var waiting: [RequestID: (peer: [UInt8], number: UInt64)] = [:]
    var lastRequest: UInt64 = 0
    /// Clients that wait for a job to change.
    var watchers: [Watcher] = []

    /// Decided but not yet on disk, and what may only leave after that.
    private var changes: [CoordinatorChange] = []
    private var outgoing: [CoordinatorEffect] = []
    /// What keeps the last turn from the disk; while there is something, nothing new is decided.
    private(set) var stall: String?
    private var diskTrouble: String?
    private var nextTick: Instant
    private var nextProbe: Instant

    init(
        _ context: Context, endpoint: Endpoint, storage: Storage, settings: CoordinatorConfiguration,
        log: Logger,
        _ bound: @Sendable (Endpoint) -> Void
    ) throws(ZeroMQError) {
        var options = SocketOptions()
        options.maxFrameBytes = Int64(Limits.controlMessageBytes)
        socket = try Socket(context, .router, options: options)
        try socket.bind(endpoint.address)
        bound(try Endpoint(parsing: socket.boundEndpoint()))
        self.storage = storage
        self.settings = settings
        self.log = log
        let now = clock.now
        machine = CoordinatorMachine(options: settings.options, restoring: storage.snapshot, at: now)
        nextTick = now
        nextProbe = now
    }

    func prepare(_ items: inout PollItems) -> Int? {
        token = items.add(socket)
        return Int(max(0, nextTick.milliseconds(since: clock.now)))
    }

    func turn(_ events: [Event], _ items: borrowing PollItems) -> Bool {
        for case .diskTrouble(let text) in events where diskTrouble == nil {
            diskTrouble = text
            apply(.trouble(text))
        }
        if let token, items.isReadable(token) { receive() }
        let now = clock.now
        if now >= nextTick {
            nextTick = now.advanced(by: Int64(settings.tickMilliseconds))
            apply(.tick)
            forgetLostPeers()
            probe(at: now)
        }
        settle()
        answerWatchers(at: now)
        return true
    }

    func finish(_ error: ZeroMQError?) {
        if let error { log.error("control socket: \(error)") }
        settle()
        for session in routes.keys { send(.order(.goodbye), to: session) }
        log.info("coordinator stopped")
    }

    private func receive() {
        for _ in 0..<ControlLoop.messagesPerTurn {
            do throws(ZeroMQError) {
                guard let frames = try socket.receive(maxBytes: Limits.controlMessageBytes + 256) else {
                    return
                }
                guard frames.count == 2 else { continue }
                take(frames[1], from: frames[0])
            } catch {
                log.debug("control socket: \(error)")
                guard case .messageTooLarge = error else { return }
            }
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
            for message in messages { perform(message) }
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
        let finished = changes.compactMap { change in
            if case .result(let done) = change, done.result.pixels != nil {
                done.result.lease.task.image
            } else {
                nil
            }
        }
        changes = []
        removeIntermediates(of: finished)
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

    private func removeIntermediates(of images: [ImageID]) {
        guard !images.isEmpty else { return }
        do throws(StoreError) {
            for blob in try storage.jobs.disposable(of: images) { storage.blobs.remove(blob) }
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

    private func perform(_ effect: CoordinatorEffect) {
        switch effect {
        case .persist, .notice: break
        case .send(let session, let order):
            if !send(.order(order), to: session), order != .heartbeat { apply(.undelivered(session, nil)) }
        case .assign(let session, let dispatch):
            if !assign(dispatch, to: session) { apply(.undelivered(session, dispatch.lease)) }
        case .reply(let request, let reply):
            guard let client = waiting.removeValue(forKey: request) else { return }
            answer(reply, number: client.number, to: client.peer)
        }
    }

    private func assign(_ dispatch: Dispatch, to session: WorkerSession) -> Bool {
        let request: ImageRequest?
        do throws(StoreError) {
            request = try storage.jobs.request(of: dispatch.lease.task.image, options: dispatch.options)
        } catch {
            log.error("\(error)")
            return false
        }
        guard let request else { return false }
        let assignment = Assignment(
            lease: dispatch.lease, model: dispatch.model, stage: dispatch.stage, request: request,
            input: dispatch.input, isLast: dispatch.isLast, leaseMilliseconds: dispatch.leaseMilliseconds)
        return send(.order(.assign(assignment)), to: session)
    }

    @discardableResult
    private func send(_ message: FarmMessage, to session: WorkerSession) -> Bool {
        guard let peer = routes[session] else { return false }
        return send(message, to: peer)
    }

    /// Sends without waiting; false when the peer is gone or does not read.
    @discardableResult
    func send(_ message: FarmMessage, to peer: [UInt8]) -> Bool {
        do {
            try socket.send([peer, try FarmCodec.encode(message)])
            return true
        } catch {
            log.debug("not sent: \(error)")
            return false
        }
    }

    private func forgetLostPeers() {
        let lost = routes.keys.filter { !machine.knows($0) }
        for session in lost {
            if let peer = routes.removeValue(forKey: session) { peers[peer] = nil }
        }
    }
}
