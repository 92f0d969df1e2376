/// A worker's decisions, as a value: what it tells the coordinator, what it fetches, runs, uploads and
/// forgets.
///
///     var machine = WorkerMachine(hello: hello, outbox: [], at: now)
///     for effect in machine.apply(.tick, at: now) { … }
///
/// It never gives up on the coordinator: it says hello again, with growing pauses, until it is welcomed, and
/// repeats every result until it is acknowledged. A task belongs to the farm that gave it: what is held for
/// another farm than the welcoming one is dropped, and nothing is reported before the farm is known.
package struct WorkerMachine: Hashable, Sendable {
    /// What the worker knows about the coordinator.
    enum Link: Hashable, Sendable {
        /// Says hello, next at `next`, then after twice `pause`. → welcomed, ended
        case greeting(next: Instant, pause: Int64)
        /// Both know each other. → greeting, ended
        case welcomed(Welcome)
        /// Nothing is said any more.
        case ended
    }

    /// Milliseconds before the second hello; later pauses double.
    static let firstPause: Int64 = 250
    /// Longest pause between two hellos, in milliseconds.
    static let longestPause: Int64 = 5_000
    /// Milliseconds after which an unacknowledged result is told again.
    static let reportPause: Int64 = 2_000
    /// Shortest time between two progress reports of a task, in milliseconds.
    static let progressPause: Int64 = 200

    /// Why a draining worker takes no task.
    static let drainText = "The worker takes no more tasks: it finishes what it has begun and then ends."
    /// Tasks that wait for the engine at most; more are given back.
    static let mostQueued = Limits.leasesPerHello / 2 - 1
    /// Results of an earlier life that are taken up at once; more stay in the outbox for the next life.
    package static let outboxLimit = Limits.leasesPerHello / 2

    private let hello: WorkerHello
    var link: Link
    /// In order of arrival.
    var tasks: [HeldTask]
    var heard: Instant
    var beaten: Instant
    /// Whether it takes no more tasks and ends after those that it has begun.
    private(set) var isDraining = false

    /// A worker at the start of its life.
    ///
    /// - Parameters:
    ///   - hello: who it is; the running leases are filled in.
    ///   - outbox: results of an earlier life, at most `outboxLimit` of them count.
    package init(hello: WorkerHello, outbox: [KeptResult], at now: Instant) {
        self.hello = hello
        link = .greeting(next: now, pause: WorkerMachine.firstPause)
        tasks = outbox.prefix(WorkerMachine.outboxLimit).map { kept in
            HeldTask(
                lease: kept.result.lease, farm: kept.farm, assignment: nil, phase: .reporting(kept.result),
                told: now)
        }
        heard = now
        beaten = now
    }

    /// Takes one event and says what to do.
    package mutating func apply(_ event: WorkerEvent, at now: Instant) -> [WorkerEffect] {
        if link == .ended { return [] }
        var effects: [WorkerEffect]
        switch event {
        case .tick: effects = tick(at: now)
        case .order(let order):
            heard = now
            effects = take(order, at: now)
        case .inputReady(let lease):
            setPhase(of: lease, from: [.fetching], to: .ready)
            effects = []
        case .inputFailed(let lease, let kind, let message): effects = fail(lease, kind, message, at: now)
        case .stepped(let lease, let step, let steps): effects = progress(lease, step, steps, at: now)
        case .finished(let result): effects = finish(result, at: now)
        case .stageFailed(let lease, let kind, let message): effects = fail(lease, kind, message, at: now)
        case .interrupted(let lease): effects = forget(lease)
        case .uploaded(let lease): effects = report(lease, at: now)
        case .uploadRefused(let lease, let message):
            effects = [.forget(lease)] + fail(lease, .application, message, at: now)
        case .drain: effects = drain(at: now)
        case .stop:
            effects =
                tasks.filter(\.isOnEngine).map { .interrupt($0.lease) } + [
                    .send(.goodbye), .end(reason: nil),
                ]
            link = .ended
            return effects
        }
        effects += startNext(at: now)
        if isDraining, tasks.isEmpty, link != .ended {
            link = .ended
            effects += [.send(.goodbye), .end(reason: nil)]
        }
        return effects
    }

    /// Gives back what has not begun; what runs or is finished stays until its verdict.
    private mutating func drain(at now: Instant) -> [WorkerEffect] {
        isDraining = true
        return tasks.filter { $0.phase == .fetching || $0.phase == .ready }.flatMap { task in
            fail(task.lease, .declined, WorkerMachine.drainText, at: now)
        }
    }

    /// When `tick` is due, however little happens.
    package var nextTick: Instant {
        switch link {
        case .greeting(let next, _): return next
        case .welcomed(let welcome):
            var next = beaten.advanced(by: welcome.heartbeatMilliseconds)
            next = min(next, heard.advanced(by: welcome.graceMilliseconds))
            for task in tasks where task.isTold {
                next = min(next, task.told.advanced(by: WorkerMachine.reportPause))
            }
            return next
        case .ended: return Instant(milliseconds: .max)
        }
    }

    /// The protocol version that both speak; until the coordinator's welcome the first, which everyone does.
    package var protocolVersion: Int {
        if case .welcomed(let welcome) = link { welcome.protocolVersion } else { 1 }
    }

    /// The introduction with what is held now.
    var introduction: WorkerHello {
        var hello = hello
        hello.running = tasks.filter { $0.phase != .interrupting }.map(\.lease).prefix(Limits.leasesPerHello)
            .sorted()
        return hello
    }
}

extension WorkerMachine {
    private mutating func tick(at now: Instant) -> [WorkerEffect] {
        switch link {
        case .greeting(let next, let pause):
            if now < next { return [] }
            let longer = min(pause * 2, WorkerMachine.longestPause)
            link = .greeting(next: now.advanced(by: pause), pause: longer)
            return [.send(.hello(introduction))]
        case .welcomed(let welcome):
            if now.milliseconds(since: heard) >= welcome.graceMilliseconds {
                link = .greeting(next: now, pause: WorkerMachine.firstPause)
                return [.reopen] + tick(at: now)
            }
            var effects: [WorkerEffect] = []
            if now.milliseconds(since: beaten) >= welcome.heartbeatMilliseconds {
                beaten = now
                effects.append(.send(.heartbeat))
            }
            for index in tasks.indices
            where now.milliseconds(since: tasks[index].told) >= WorkerMachine.reportPause {
                if let report = tasks[index].report {
                    tasks[index].told = now
                    effects.append(.send(report))
                }
            }
            return effects
        case .ended: return []
        }
    }

    private mutating func progress(_ lease: LeaseID, _ step: Int, _ steps: Int, at now: Instant)
        -> [WorkerEffect]
    {
        guard let index = index(of: lease), tasks[index].phase == .running else { return [] }
        let isLast = step == steps
        if !isLast && now.milliseconds(since: tasks[index].told) < WorkerMachine.progressPause { return [] }
        tasks[index].told = now
        return tell(.progress(TaskProgress(lease: lease, phase: .stepping, step: step, steps: steps)))
    }

    private mutating func finish(_ result: TaskResult, at now: Instant) -> [WorkerEffect] {
        guard let index = index(of: result.lease), tasks[index].phase == .running else {
            return forget(result.lease)
        }
        tasks[index].phase = .uploading(result)
        tasks[index].told = now
        let progress = TaskProgress(lease: result.lease, phase: .uploading, step: 0, steps: 0)
        return tell(.progress(progress)) + [.upload(result.lease, result.blob)]
    }

    private mutating func report(_ lease: LeaseID, at now: Instant) -> [WorkerEffect] {
        guard let index = index(of: lease), case .uploading(let result) = tasks[index].phase else {
            return []
        }
        tasks[index].phase = .reporting(result)
        tasks[index].told = now
        return tell(.completed(result))
    }

    private mutating func fail(
        _ lease: LeaseID, _ kind: FailureKind, _ message: String, at now: Instant
    ) -> [WorkerEffect] {
        guard let index = index(of: lease) else { return [] }
        if tasks[index].phase == .interrupting { return forget(lease) }
        let failure = TaskFailure(lease: lease, kind: kind, message: message)
        tasks[index].phase = .failed(failure)
        tasks[index].told = now
        return tell(.failed(failure))
    }

    /// Sends what concerns a lease, unless a hello is unanswered: the coordinator may be another farm's by
    /// now. Results and failures are told when it welcomes.
    private func tell(_ report: WorkerReport) -> [WorkerEffect] {
        if case .welcomed = link { [.send(report)] } else { [] }
    }

    /// Gives the engine to the oldest task that is ready, when it is free.
    private mutating func startNext(at now: Instant) -> [WorkerEffect] {
        var effects: [WorkerEffect] = []
        var free = hello.slots - tasks.filter(\.isOnEngine).count
        for index in tasks.indices where free > 0 && tasks[index].phase == .ready {
            guard let assignment = tasks[index].assignment else { continue }
            tasks[index].phase = .running
            tasks[index].told = now
            free -= 1
            let progress = TaskProgress(lease: assignment.lease, phase: .loading, step: 0, steps: 0)
            effects += tell(.progress(progress)) + [.run(assignment, tasks[index].farm)]
        }
        return effects
    }

    /// Drops a lease and everything kept for it.
    mutating func forget(_ lease: LeaseID) -> [WorkerEffect] {
        tasks.removeAll { $0.lease == lease }
        return [.forget(lease)]
    }

    private mutating func setPhase(of lease: LeaseID, from: [HeldTask.Phase], to phase: HeldTask.Phase) {
        if let index = index(of: lease), from.contains(tasks[index].phase) { tasks[index].phase = phase }
    }

    /// Where the lease stands in `tasks`.
    func index(of lease: LeaseID) -> Int? {
        tasks.firstIndex { $0.lease == lease }
    }
}
