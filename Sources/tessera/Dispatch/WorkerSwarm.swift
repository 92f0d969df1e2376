import Farm
import FarmProtocol
import Synchronization
import ZeroMQ

/// Many workers without an engine, each with its own connection to the coordinator and all on one thread: a
/// task is answered as soon as its pretended time is over, with real messages.
///
/// One router socket holds all connections; to the coordinator each is a worker like any other.
final class WorkerSwarm: PollHandler {
    /// What the measuring thread asks for.
    enum Event: Sendable {
        /// Tasks take so many milliseconds from now on, and are said to take so many seconds.
        case begin(taskMilliseconds: Int64, saidSeconds: Double)
    }

    private struct Member {
        var session: WorkerSession
        /// What its connection is called.
        var name: [UInt8]
        /// Since when it has had nothing to do after a result, in nanoseconds; 0: it has.
        var freedAt: Int64 = 0
        /// Tasks that it has.
        var held = 0
        /// Until when it is busy, in milliseconds.
        var busyUntil: Int64 = 0
        /// Milliseconds between its heartbeats; 0: it is not welcome yet.
        var heartbeat: Int64 = 0
        /// The protocol version that the coordinator speaks with it.
        var version = FarmCodec.oldestVersion
        /// What it says at the end of the turn.
        var reports: [FarmMessage] = []
    }

    /// What a member does at some time.
    private enum Duty {
        case finish(Int, TaskResult)
        case beat(Int)
    }

    private let socket: Socket
    private let models: [ModelAnnouncement]
    private let blob: BlobID
    private let tally: SwarmTally
    private var members: [Member]
    /// Those that have something to say.
    private var speakers: [Int] = []
    private var token: PollItems.Token?
    private var taskMilliseconds: Int64 = 0
    private var saidSeconds = 0.0
    /// What is due in each of the coming milliseconds, by the millisecond modulo its length.
    private var ring = [[Duty]](repeating: [], count: 1 << 17)
    private var ringTime: Int64
    /// Milliseconds after which a hello that was not answered is said again.
    private static let helloPause: Int64 = 5000

    init(
        _ context: Context, endpoint: Endpoint, count: Int, models: [ModelAnnouncement], blob: BlobID,
        tally: SwarmTally
    ) throws(ZeroMQError) {
        var options = SocketOptions()
        options.maxFrameBytes = Int64(Limits.controlMessageBytes)
        options.reconnectMilliseconds = 500
        socket = try Socket(context, .router, options: options)
        self.models = models
        self.blob = blob
        self.tally = tally
        members = (0..<count).map { number in
            Member(
                session: WorkerSession(
                    worker: WorkerID("swarm-\(number)"), nonce: .random(in: 1 ... .max)),
                name: WorkerSwarm.name(number))
        }
        ringTime = SwarmClock.milliseconds
        for member in members { try socket.connect(endpoint.address, as: member.name) }
        for number in members.indices { sayHello(number) }
    }

    func prepare(_ items: inout PollItems) -> Int? {
        token = items.add(socket)
        return taskMilliseconds > 0 ? 1 : 20
    }

    func turn(_ events: [Event], _ items: borrowing PollItems) -> Bool {
        for case .begin(let milliseconds, let seconds) in events {
            taskMilliseconds = milliseconds
            saidSeconds = seconds
            for number in members.indices { members[number].freedAt = 0 }
        }
        if let token, items.isReadable(token) {
            for _ in 0..<1024 {
                guard let frames = try? socket.receive(), frames.count == 2 else { break }
                take(frames[1], member: WorkerSwarm.number(frames[0]))
            }
        }
        doDuties(SwarmClock.milliseconds)
        sendReports()
        return true
    }

    func finish(_ error: ZeroMQError?) {
        for number in members.indices { say(.goodbye, number) }
        sendReports()
    }

    private func take(_ bytes: [UInt8], member: Int) {
        guard members.indices.contains(member), let messages = try? FarmCodec.unpack(bytes) else {
            return tally.noteTrouble("a message could not be read")
        }
        for case .order(let order) in messages { take(order, member: member) }
    }

    private func take(_ order: WorkerOrder, member: Int) {
        switch order {
        case .welcome(let welcome):
            if members[member].heartbeat == 0 { tally.noteWelcome() }
            members[member].heartbeat = welcome.heartbeatMilliseconds
            members[member].version = welcome.protocolVersion
        case .helloAgain: introduce(member)
        case .assign(let assignment): run(assignment, member)
        case .acknowledged(_, .committed): tally.noteCommit()
        case .acknowledged(let lease, .blobMissing): tally.noteTrouble("the blob of \(lease) is not there")
        // At a job's end slow tasks run twice, and the second result counts for nothing.
        case .acknowledged(_, .duplicate), .acknowledged(_, .fenced): break
        case .refused(let reason): tally.noteTrouble(reason)
        case .heartbeat, .revoke, .goodbye: break
        }
    }

    private func run(_ assignment: Assignment, _ number: Int) {
        members[number].held += 1
        let freed = members[number].freedAt
        if freed != 0 {
            tally.noteLatency(milliseconds: Double(SwarmClock.nanoseconds - freed) / 1e6)
            members[number].freedAt = 0
        }
        tally.noteTask()
        let result = TaskResult(
            lease: assignment.lease, blob: blob, pixels: assignment.isLast ? blob.digest : nil,
            seconds: saidSeconds)
        guard taskMilliseconds > 0 else { return complete(result, number) }
        // Tasks take from half to one and a half times as long, and the first ones from nothing on: else all
        // that were given together would end together for ever.
        let least = members[number].busyUntil == 0 ? 1 : max(1, taskMilliseconds / 2)
        let time = Int64.random(in: least...(taskMilliseconds + taskMilliseconds / 2))
        let due = max(SwarmClock.milliseconds, members[number].busyUntil) + time
        members[number].busyUntil = due
        plan(.finish(number, result), at: due)
    }

    private func complete(_ result: TaskResult, _ number: Int) {
        members[number].held -= 1
        if members[number].held == 0 { members[number].freedAt = SwarmClock.nanoseconds }
        say(.completed(result), number)
    }

    private func plan(_ duty: Duty, at time: Int64) {
        ring[Int(max(time, ringTime + 1)) & (ring.count - 1)].append(duty)
    }

    private func doDuties(_ now: Int64) {
        while ringTime < now {
            ringTime += 1
            let place = Int(ringTime) & (ring.count - 1)
            guard !ring[place].isEmpty else { continue }
            let due = ring[place]
            ring[place] = []
            for duty in due {
                switch duty {
                case .finish(let number, let result): complete(result, number)
                case .beat(let number): beat(number)
                }
            }
        }
    }

    /// A heartbeat, whatever else was said; another hello where the last one was not answered.
    private func beat(_ number: Int) {
        let pause = members[number].heartbeat
        guard pause > 0 else { return sayHello(number) }
        say(.heartbeat, number)
        plan(.beat(number), at: ringTime + pause)
    }

    private func sayHello(_ number: Int) {
        plan(.beat(number), at: ringTime + WorkerSwarm.helloPause)
        introduce(number)
    }

    private func introduce(_ number: Int) {
        say(
            .hello(
                WorkerHello(
                    session: members[number].session, oldestProtocol: FarmCodec.oldestVersion,
                    newestProtocol: FarmCodec.newestVersion, build: TesseraVersion.text, host: "swarm",
                    models: models)), number)
    }

    private func say(_ report: WorkerReport, _ number: Int) {
        if members[number].reports.isEmpty { speakers.append(number) }
        members[number].reports.append(.report(report))
    }

    private func sendReports() {
        for number in speakers {
            do {
                let member = members[number]
                for packed in try FarmCodec.pack(member.reports, version: member.version) {
                    try socket.send([member.name, packed.bytes])
                }
            } catch {
                tally.noteTrouble("a message did not leave: \(error)")
            }
            members[number].reports.removeAll(keepingCapacity: true)
        }
        speakers.removeAll(keepingCapacity: true)
    }

    /// Connections are named by their number; names that begin with 0 are the library's own.
    private static func name(_ number: Int) -> [UInt8] {
        [1] + (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
    }

    private static func number(_ name: [UInt8]) -> Int {
        name.dropFirst().reduce(0) { $0 << 8 | Int($1) }
    }
}

/// Time that passed, for measurements.
enum SwarmClock {
    private static let start = ContinuousClock.now

    static var nanoseconds: Int64 {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000 + 1
    }

    static var milliseconds: Int64 { nanoseconds / 1_000_000 + 1 }
}

/// What a swarm has done, read by the measuring thread while it goes on.
final class SwarmTally: Sendable {
    /// Counts since they were last begun.
    struct Counts: Sendable {
        var welcome = 0
        var tasks = 0
        var commits = 0
        /// From a worker's last result to its next task, while it has nothing to do.
        var latency = LatencyHistogram()
        /// When the first task came and when the last result was acknowledged, in nanoseconds.
        var firstTask: Int64 = 0
        var lastCommit: Int64 = 0
        var troubles = 0
        var trouble = ""

        /// Commits a second.
        var rate: Double { Double(commits) * 1e9 / Double(max(1, lastCommit - firstTask)) }
    }

    private let counts = Mutex(Counts())

    var now: Counts { counts.withLock { $0 } }

    /// Begins the counts again; workers stay welcome.
    func begin() { counts.withLock { $0 = Counts(welcome: $0.welcome) } }

    func noteWelcome() { counts.withLock { $0.welcome += 1 } }
    func noteLatency(milliseconds: Double) { counts.withLock { $0.latency.note(milliseconds: milliseconds) } }

    func noteTask() {
        counts.withLock { counts in
            if counts.tasks == 0 { counts.firstTask = SwarmClock.nanoseconds }
            counts.tasks += 1
        }
    }

    func noteCommit() {
        counts.withLock { counts in
            counts.commits += 1
            counts.lastCommit = SwarmClock.nanoseconds
        }
    }

    func noteTrouble(_ text: String) {
        counts.withLock { counts in
            counts.troubles += 1
            counts.trouble = text
        }
    }
}
