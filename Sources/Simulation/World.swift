import Farm
import FarmProtocol
import HeapModule

/// A whole farm in one value of time: real machines and real messages, while network, disks, engines, clocks
/// and misfortunes are drawn from a seed.
///
///     let outcome = World(seed: 7, settings: SimulationSettings()).run()
///     outcome.violation            // nil when every rule held
package final class World {
    /// Events after which a farm is taken for one that never ends.
    private static let mostEvents = 400_000
    /// Milliseconds after the last fault within which everything must have ended.
    private static let patience: Int64 = 3 * 3_600_000

    let scenario: Scenario
    let mistake: Mistake?
    var dice: Dice
    /// True milliseconds since the beginning. No party knows them.
    private(set) var now: Int64 = 0
    private var agenda = Heap<Due>()
    private var lastOrder: UInt64 = 0
    private(set) var lastConnection = 0
    var network: Network
    var coordinator: CoordinatorNode
    var workers: [WorkerNode]
    var clients: [ClientNode]
    var witness: Witness
    var trace: Trace
    var counts = SimulationCounts()
    /// Blobs that the coordinator's disk lost or damaged.
    var spoiltBlobs = 0
    private(set) var violation: String?

    /// - Parameters:
    ///   - mistake: what this farm does wrong, to see that it is noticed.
    ///   - tracing: whether the outcome carries a line for each event.
    ///   - store: where the coordinator keeps its state; a model of the store unless the caller has a real
    ///     one.
    package init(
        seed: UInt64, settings: SimulationSettings, mistake: Mistake? = nil, tracing: Bool = false,
        store: (any FarmStore)? = nil
    ) {
        let scenario = Scenario(seed: seed, settings: settings)
        self.scenario = scenario
        self.mistake = mistake
        dice = Dice(seed: Dice.mix(seed ^ 0x7e55_e7a))
        network = Network(weather: scenario.weather)
        coordinator = CoordinatorNode(
            store: store ?? MemoryStore(mistake: mistake))
        workers = scenario.workers.enumerated().map { WorkerNode(index: $0, temper: $1) }
        clients = scenario.jobs.enumerated().map { ClientNode(index: $0, script: $1) }
        witness = Witness(options: scenario.options, scripts: scenario.jobs, tempers: scenario.workers)
        trace = Trace(isKept: tracing)
    }

    /// Runs the farm until all has ended, a rule is broken or it seems never to end.
    package func run() -> Outcome {
        startCoordinator()
        for index in workers.indices { schedule(dice.time(0...20_000), .startWorker(index)) }
        for index in clients.indices { schedule(clients[index].script.begins, .client(index, serial: 0)) }
        if !scenario.faults.isEmpty { schedule(dice.time(0...5_000), .fault) }
        schedule(scenario.faultsEnd, .peace)
        while violation == nil, let due = agenda.popMin() {
            now = due.at
            counts.events += 1
            perform(due.moment)
            if counts.events > World.mostEvents { fail("the farm does not come to rest") }
            if now > scenario.faultsEnd + World.patience { fail("not everything ended: \(unfinished)") }
            if now > scenario.faultsEnd, isAtRest {
                checkTheEnd()
                break
            }
        }
        counts.seconds = now / 1000
        return Outcome(
            seed: scenario.seed, violation: violation, counts: counts, digest: trace.digest,
            trace: trace.lines)
    }

    /// Notes that a rule is broken; the first one counts.
    func fail(_ text: @autoclosure () -> String) {
        guard violation == nil else { return }
        let sentence = "at \(now) ms: \(text())"
        violation = sentence
        note("VIOLATION \(sentence)")
    }

    /// A line of the trace.
    func note(_ text: @autoclosure () -> String) { trace.add(at: now, text) }

    /// Lets `moment` come after `delay` milliseconds.
    func schedule(_ delay: Int64, _ moment: Moment) {
        lastOrder += 1
        agenda.insert(Due(at: now + max(0, delay), order: lastOrder, moment: moment))
    }

    /// A number for a connection that was never used before.
    func newConnection() -> Int {
        lastConnection += 1
        return lastConnection
    }

    /// Puts a message on the network, encoded as on the wire.
    func send(_ message: FarmMessage, from sender: Party, to receiver: Party, _ connection: Int) {
        send([message], from: sender, to: receiver, connection, version: 1)
    }

    /// Puts messages on the network, packed as on the wire for a peer of this protocol version.
    func send(
        _ messages: [FarmMessage], from sender: Party, to receiver: Party, _ connection: Int, version: Int
    ) {
        do throws(CodecError) {
            var rest = messages[...]
            for packed in try FarmCodec.pack(messages, version: version) {
                let content = rest.prefix(packed.count)
                rest = rest.dropFirst(packed.count)
                let packet = Packet(
                    sender: sender, receiver: receiver, connection: connection,
                    isBlob: content.contains(where: \.isBlob), bytes: packed.bytes)
                counts.messages += 1
                let arrivals = network.arrivals(of: packet, at: now, &dice)
                if arrivals.isEmpty { note("lost: \(sender) to \(receiver): \(Array(content))") }
                for arrival in arrivals { schedule(arrival - now, .arrival(packet)) }
            }
        } catch {
            fail("\(sender) cannot encode \(messages): \(error)")
        }
    }

    private func perform(_ moment: Moment) {
        switch moment {
        case .arrival(let packet): deliver(packet)
        case .coordinatorTurn(let life): takeTurn(life)
        case .startCoordinator: startCoordinator()
        case .startWorker(let index): startWorker(index)
        case .worker(let index, let serial): wakeWorker(index, serial)
        case .engine(let index, let life, let serial): stepEngine(index, life, serial)
        case .client(let index, let serial): wakeClient(index, serial)
        case .fault:
            guard now < scenario.faultsEnd else { return }
            commitFault()
            schedule(dice.time(1...Int(2 * scenario.faultPause)), .fault)
        case .peace: makePeace()
        }
    }

    private func deliver(_ packet: Packet) {
        if case .worker(let index) = packet.receiver, now < workers[index].pausedUntil {
            return schedule(workers[index].pausedUntil - now, .arrival(packet))
        }
        do throws(CodecError) {
            let messages = try FarmCodec.unpack(packet.bytes)
            guard messages.count == 1 || understandsBundles(packet.receiver) else {
                return note("\(packet.receiver) does not understand a bundle of \(packet.sender)")
            }
            for message in messages { deliver(message, of: packet) }
        } catch {
            fail("\(packet.receiver) cannot decode what \(packet.sender) sent: \(error)")
        }
    }

    /// A former release drops bundles like all that it does not know.
    private func understandsBundles(_ party: Party) -> Bool {
        switch party {
        case .coordinator: coordinator.protocolVersions.contains(FarmCodec.bundleVersion)
        case .worker(let index): workers[index].temper.newestProtocol >= FarmCodec.bundleVersion
        case .client: false
        }
    }

    private func deliver(_ message: FarmMessage, of packet: Packet) {
        switch (packet.receiver, message) {
        case (.coordinator, _):
            coordinator.inbox.append((Peer(party: packet.sender, connection: packet.connection), message))
            wakeCoordinator()
        case (.worker(let index), .order(let order)): take(order, at: index, packet.connection)
        case (.worker(let index), .blobReply(let reply)): take(reply, at: index, packet.connection)
        case (.client(let index), .reply(let number, let reply)): take(reply, number: number, at: index)
        default: fail("\(packet.receiver) got a message of the wrong direction: \(message)")
        }
    }
}

extension FarmMessage {
    /// Whether it travels between the blob sockets.
    fileprivate var isBlob: Bool {
        switch self {
        case .blobRequest, .blobReply: true
        case .report, .order, .request, .reply: false
        }
    }
}

/// Something that comes at a moment.
enum Moment: Sendable {
    case arrival(Packet)
    case startCoordinator
    case coordinatorTurn(life: Int)
    case startWorker(Int)
    case worker(Int, serial: Int)
    case engine(Int, life: Int, serial: Int)
    case client(Int, serial: Int)
    case fault
    case peace
}

/// A moment and when it comes; of two at once, the one that was scheduled first.
struct Due: Comparable, Sendable {
    var at: Int64
    var order: UInt64
    var moment: Moment

    static func < (left: Due, right: Due) -> Bool { (left.at, left.order) < (right.at, right.order) }
    static func == (left: Due, right: Due) -> Bool { left.order == right.order }
}
