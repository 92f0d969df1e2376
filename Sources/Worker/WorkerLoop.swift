internal import Farm
internal import FarmProtocol
internal import Logging
internal import Synchronization
internal import ZeroMQ

/// The worker on the messaging thread: turns messages, engine news and time into events of its machine, and
/// performs what the machine says.
final class WorkerLoop: PollHandler {
    /// Messages taken from a socket in one turn.
    private static let batch = 64
    /// Milliseconds without a coordinator after which that is said, and then said again.
    private static let (firstReminder, nextReminders): (Int64, Int64) = (5_000, 60_000)

    private let configuration: WorkerConfiguration
    private let context: Context
    private let outbox: Outbox
    private let engine: EngineThread
    private let log: Logger
    private let onEnd: @Sendable (WorkerError?) -> Void
    private let clock = WorkerClock()
    private var machine: WorkerMachine
    private var control: Socket
    private let courier: BlobCourier
    private var controlToken: PollItems.Token?
    private var blobToken: PollItems.Token?
    /// Reports of this turn.
    private var outgoing: [WorkerReport] = []
    private var isConnected = false
    private var nextReminder: Instant
    private var isEnded = false
    private var endReason: String?

    init(
        _ configuration: WorkerConfiguration, hello: WorkerHello, context: Context, outbox: Outbox,
        engine: EngineThread, log: Logger, onEnd: @escaping @Sendable (WorkerError?) -> Void
    ) throws(ZeroMQError) {
        self.configuration = configuration
        self.context = context
        self.outbox = outbox
        self.engine = engine
        self.log = log
        self.onEnd = onEnd
        machine = WorkerMachine(hello: hello, outbox: outbox.results(), at: clock.now)
        nextReminder = clock.now.advanced(by: WorkerLoop.firstReminder)
        control = try WorkerLoop.open(configuration, context)
        courier = try BlobCourier(
            context: context, coordinator: configuration.coordinator, keys: configuration.keys)
    }

    func prepare(_ items: inout PollItems) -> Int? {
        controlToken = items.add(control)
        blobToken = courier.prepare(&items)
        let next = min(machine.nextTick, courier.nextTick)
        return Int(min(max(next.milliseconds(since: clock.now), 0), 60_000))
    }

    func turn(_ events: [WorkerEvent], _ items: borrowing PollItems) -> Bool {
        for event in events { apply(event) }
        if let controlToken, items.isReadable(controlToken) {
            for _ in 0..<WorkerLoop.batch {
                guard !isEnded, let orders = receive() else { break }
                for order in orders where !isEnded { apply(.order(order)) }
            }
        }
        if let blobToken, items.isReadable(blobToken) {
            for event in courier.receive(at: clock.now) { apply(event) }
        }
        apply(.tick)
        courier.tick(at: clock.now)
        sendReports()
        remind()
        return !isEnded
    }

    func finish(_ error: ZeroMQError?) {
        if !isEnded { apply(.stop) }
        sendReports()
        engine.stop()
        if let error {
            onEnd(.messaging(error.description))
        } else {
            onEnd(endReason.map(WorkerError.refused))
        }
    }

    /// Says whom the worker waits for.
    private func remind() {
        guard !isConnected, clock.now >= nextReminder else { return }
        nextReminder = clock.now.advanced(by: WorkerLoop.nextReminders)
        log.warning(
            "No coordinator answers yet; trying on. Check address and port, and whether it asks for keys.",
            metadata: coordinator)
    }

    /// The orders of one message, none when it was broken; nil when nothing is there.
    private func receive() -> [WorkerOrder]? {
        do {
            guard let frames = try control.receive(maxBytes: Limits.controlMessageBytes) else { return nil }
            return try FarmCodec.unpack(frames.first ?? []).map { message in
                guard case .order(let order) = message else { throw CodecError.unknownMessage }
                return order
            }
        } catch ZeroMQError.terminated {
            return nil
        } catch {
            log.warning("A message was dropped.", metadata: ["reason": "\(error)"])
            return []
        }
    }

    private func apply(_ event: WorkerEvent) {
        tell(about: event)
        for effect in machine.apply(event, at: clock.now) { perform(effect) }
    }

    private func perform(_ effect: WorkerEffect) {
        switch effect {
        case .send(let report): outgoing.append(report)
        case .reopen:
            sendReports()
            isConnected = false
            nextReminder = clock.now.advanced(by: WorkerLoop.nextReminders)
            log.warning("The coordinator is silent; connecting again.", metadata: coordinator)
            mend { () throws(ZeroMQError) in control = try WorkerLoop.open(configuration, context) }
        case .useBlobs(let port):
            isConnected = true
            log.info("Connected.", metadata: coordinator)
            mend { () throws(ZeroMQError) in try courier.connect(port: port, at: clock.now) }
        case .fetch(let lease, let blob): courier.fetch(lease, blob, at: clock.now)
        case .run(let assignment, let farm):
            let input = courier.takeInput(assignment.lease)
            engine.run(StageTask(assignment: assignment, farm: farm, input: input))
        case .interrupt(let lease): engine.interrupt(lease)
        case .upload(let lease, let blob):
            if let bytes = outbox.blob(of: lease) {
                courier.upload(lease, blob, bytes: bytes, at: clock.now)
            } else {
                apply(.uploadRefused(lease, "The result is gone from the worker's outbox."))
            }
        case .forget(let lease):
            courier.drop(lease, at: clock.now)
            outbox.remove(lease)
        case .disown(let lease, let farm):
            log.warning(
                "A result of another farm was dropped.", metadata: ["task": "\(lease)", "farm": "\(farm)"])
            courier.drop(lease, at: clock.now)
            outbox.remove(lease)
        case .end(let reason):
            isEnded = true
            endReason = reason
        }
    }

    /// What cannot go out now is lost; the machine says again what matters.
    private func sendReports() {
        guard !outgoing.isEmpty else { return }
        defer { outgoing.removeAll(keepingCapacity: true) }
        do {
            let messages = outgoing.map { FarmMessage.report($0) }
            for packed in try FarmCodec.pack(messages, version: machine.protocolVersion) {
                try control.send([packed.bytes])
            }
        } catch {
            log.debug("Reports did not go out.", metadata: ["reason": "\(error)"])
        }
    }

    private func mend(_ body: () throws(ZeroMQError) -> Void) {
        do {
            try body()
        } catch {
            log.error("The connection could not be opened.", metadata: ["reason": "\(error)"])
        }
    }

    private func tell(about event: WorkerEvent) {
        switch event {
        case .stageFailed(let lease, _, let message), .inputFailed(let lease, _, let message),
            .uploadRefused(let lease, let message):
            log.error("A task failed.", metadata: ["task": "\(lease)", "reason": "\(message)"])
        case .finished(let result):
            let seconds = (result.seconds * 1000).rounded() / 1000
            log.info("A task is done.", metadata: ["task": "\(result.lease)", "seconds": "\(seconds)"])
        case .order(.refused(let reason)):
            log.error("The coordinator refuses this worker.", metadata: ["reason": "\(reason)"])
        case .order(.assign(let assignment)):
            log.debug(
                "A task came.", metadata: ["task": "\(assignment.lease)", "stage": "\(assignment.stage)"])
        case .tick, .order, .inputReady, .stepped, .interrupted, .uploaded, .drain, .stop: break
        }
    }

    private var coordinator: Logger.Metadata { ["coordinator": "\(configuration.coordinator)"] }

    /// Keeps nothing for a coordinator that is not there: the machine repeats what matters.
    private static func open(
        _ configuration: WorkerConfiguration, _ context: Context
    ) throws(ZeroMQError) -> Socket {
        var options = SocketOptions()
        options.immediate = true
        options.curve = configuration.keys?.side
        options.maxFrameBytes = Int64(Limits.controlMessageBytes)
        let socket = try Socket(context, .dealer, options: options)
        try socket.connect(configuration.coordinator.address)
        return socket
    }
}

/// Milliseconds since the worker began, which no change of the wall clock disturbs.
struct WorkerClock {
    private let start = ContinuousClock.now

    var now: Instant {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return Instant(milliseconds: seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }
}
