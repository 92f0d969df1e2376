import Farm

/// Someone who only watches what goes into the coordinator's machine and what comes out, keeps its own small
/// books, and says which rule is broken. It knows nothing of the machine's inside.
struct Witness {
    private struct Failing: Hashable {
        var worker: WorkerID
        var key: StageKey
    }

    private struct Watched {
        var session: WorkerSession
        /// Milliseconds without progress that it may take; 0 when nobody was told.
        var patience: Int64 = 0
        var renewed: Instant
        let given: Instant
        /// Counts the leases that were watched before it.
        let serial: Int
        var hasBegun = false
        var phase = TaskPhase.loading
        var step = 0
    }

    let options: CoordinatorOptions
    let scripts: [JobScript]
    let tempers: [Temper]

    /// What is on disk, by task; what is decided, by task.
    private(set) var durable: [TaskID: CommittedResult] = [:]
    private var committed: Set<TaskID> = []
    private var durableJobs: Set<JobID> = []
    private var stages: [ImageID: Int] = [:]
    private var lastAttempt: [ImageID: Int] = [:]
    private var given: [ImageID: Int] = [:]
    /// Who was given each lease.
    private var takers: [LeaseID: WorkerID] = [:]
    /// Leases that nothing has ended yet.
    private var live: Set<LeaseID> = []
    /// Leases that this life of the coordinator gave, found on disk, or took up again.
    private var watched: [LeaseID: Watched] = [:]
    private var lastSerial = 0
    /// Tasks that each worker computes at once.
    private var slots: [WorkerID: Int] = [:]
    private var reported: Set<LeaseID> = []
    private var streaks: [Failing: [ImageID]] = [:]
    private var excluded: [Failing: Instant] = [:]
    private var quarantined: [Failing: Instant] = [:]
    private var nonces: [WorkerID: UInt64] = [:]
    private var twins: TwinBooks
    /// Results on workers' disks.
    private var kept: [Int: Set<LeaseID>] = [:]
    /// Blobs that must never be lost.
    private(set) var pictures: Set<BlobID> = []
    /// Blobs of committed results that may be lost.
    private(set) var intermediates: Set<BlobID> = []

    init(options: CoordinatorOptions, scripts: [JobScript], tempers: [Temper]) {
        self.options = options
        self.scripts = scripts
        self.tempers = tempers
        twins = TwinBooks(scripts: scripts)
    }

    /// How often workers had an image's task: leases given, and those that they came back with after they
    /// were lost, which may be lost again.
    func attempts(of image: ImageID) -> Int { given[image] ?? 0 }

    /// What is not on disk is forgotten.
    mutating func coordinatorStarted(with snapshot: CoordinatorSnapshot, at now: Instant) {
        live = Set(snapshot.leases.map(\.id))
        stages = [:]
        var attempts: [ImageID: Int] = [:]
        for job in snapshot.jobs {
            for (index, row) in job.images.enumerated() {
                let image = ImageID(job: job.head.id, index: index)
                stages[image] = Int(row.stage)
                attempts[image] = Int(row.attempt)
            }
        }
        lastAttempt = attempts
        twins.restart(with: snapshot)
        committed = Set(durable.keys.filter { $0.stage < stages[$0.image] ?? 0 })
        watched = [:]
        for held in snapshot.leases where attempts[held.id.task.image] == held.id.attempt {
            watch(held.id, held.session, at: now)
        }
        reported = []
        streaks = [:]
        excluded = [:]
        quarantined = [:]
        nonces = [:]
    }

    // MARK: The coordinator

    /// Judges one decision of the machine.
    mutating func judge(
        _ event: CoordinatorEvent, _ effects: [CoordinatorEffect], at now: Instant
    ) -> String? {
        note(event, effects, at: now)
        var given: Set<LeaseID> = []
        for case .assign(_, let dispatch) in effects { given.insert(dispatch.lease) }
        for effect in effects {
            let text: String?
            if case .persist(.leased(let held)) = effect, watched[held.id] == nil, !given.contains(held.id) {
                // Its worker came back with it.
                self.given[held.id.task.image, default: 0] += 1
                watch(held.id, held.session, at: now)
            }
            switch effect {
            case .persist(let change): text = judge(change, at: now)
            case .assign(let session, let dispatch): text = judge(dispatch, to: session, at: now)
            case .send(_, .revoke(let lease)) where event == .tick: text = judge(revoked: lease, at: now)
            case .send, .reply, .notice: text = nil
            }
            if let text { return text }
        }
        return nil
    }

    private mutating func note(_ event: CoordinatorEvent, _ effects: [CoordinatorEffect], at now: Instant) {
        switch event {
        case .hello(let hello):
            let worker = hello.session.worker
            guard effects.contains(where: { if case .send(_, .welcome) = $0 { true } else { false } })
            else { return }
            if let nonce = nonces[worker], nonce != hello.session.nonce {
                for failing in excluded.keys where failing.worker == worker { streaks[failing] = nil }
                excluded = excluded.filter { $0.key.worker != worker }
                quarantined = quarantined.filter { $0.key.worker != worker }
                for lease in atWork(worker) where watched[lease]?.hasBegun ?? false { blame(lease, at: now) }
            }
            nonces[worker] = hello.session.nonce
            slots[worker] = hello.slots
        case .tick:
            var stuck: [LeaseID] = []
            for case .send(let session, .revoke(let lease)) in effects
            where atWork(session.worker).contains(lease) {
                stuck.append(lease)
            }
            for lease in stuck { blame(lease, at: now) }
        case .progress(let session, let progress):
            guard let entry = watched[progress.lease], entry.session == session,
                !entry.hasBegun || progress.phase != entry.phase || progress.step > entry.step
            else { return }
            watched[progress.lease]?.hasBegun = true
            watched[progress.lease]?.phase = progress.phase
            watched[progress.lease]?.step = progress.step
            for (lease, entry) in watched where entry.session == session { watched[lease]?.renewed = now }
        case .completed(_, let result, _): reported.insert(result.lease)
        case .failed(let session, let failure):
            reported.remove(failure.lease)
            let accepted = CoordinatorEffect.send(session, .acknowledged(failure.lease, .committed))
            guard failure.kind == .application, effects.contains(accepted) else { return }
            blame(failure.lease, at: now)
        default: break
        }
    }

    private mutating func watch(
        _ lease: LeaseID, _ session: WorkerSession, patience: Int64 = 0, at now: Instant
    ) {
        lastSerial += 1
        watched[lease] = Watched(
            session: session, patience: patience, renewed: now, given: now, serial: lastSerial)
    }

    /// Of a worker's leases those that it works on, as far as can be told, the first first: what only waits
    /// behind them is not its fault.
    private func atWork(_ worker: WorkerID) -> [LeaseID] {
        let held = watched.filter { $0.value.session.worker == worker }
            .sorted { $0.value.serial < $1.value.serial }
        let stepping = held.count { $0.value.phase == .stepping }
        let first = held.filter { $0.value.phase == .loading }.prefix(max(0, (slots[worker] ?? 1) - stepping))
        return held.map(\.key).filter { lease in
            watched[lease]?.phase != .loading || first.contains { $0.key == lease }
        }
    }

    /// Counts a lease that its worker failed, was stuck with or died with.
    private mutating func blame(_ lease: LeaseID, at now: Instant) {
        guard let entry = watched[lease], let key = keys[lease] else { return }
        let failing = Failing(worker: entry.session.worker, key: key)
        let image = lease.task.image
        if !(streaks[failing] ?? []).contains(image) { streaks[failing, default: []].append(image) }
        if (streaks[failing] ?? []).count >= options.failuresToExclude {
            excluded[failing] = now.advanced(by: options.exclusion)
        }
    }

    /// The stage of each lease that was given.
    private var keys: [LeaseID: StageKey] = [:]

    private mutating func judge(_ change: CoordinatorChange, at now: Instant) -> String? {
        if case .imagesReopened(let job, _) = change {
            let images = twins.ended(of: job)
            committed = committed.filter { !images.contains($0.image) }
            for image in images { stages[image] = 0 }
        }
        defer { twins.note(change) }
        switch change {
        case .image(let image, let row):
            let stage = Int(row.stage)
            if let before = stages[image], stage < before {
                for place in stage...before { committed.remove(TaskID(image: image, stage: place)) }
            }
            stages[image] = stage
            lastAttempt[image] = max(lastAttempt[image] ?? 0, Int(row.attempt))
        case .leased(let held):
            if takers[held.id] == nil { given[held.id.task.image, default: 0] += 1 }
            takers[held.id] = held.session.worker
            watched[held.id]?.session = held.session
            return judge(held, at: now)
        case .released(let lease):
            watched[lease] = nil
            live.remove(lease)
        case .imagesCancelled(let job):
            live = live.filter { $0.task.image.job != job }
            watched = watched.filter { $0.key.task.image.job != job }
        case .imageFailed(let image, _):
            live = live.filter { $0.task.image != image }
            watched = watched.filter { $0.key.task.image != image }
        case .result(let done): return judge(done)
        case .alarm(let late, _):
            guard let key = keys[late.result.lease] else { break }
            let failing = Failing(worker: late.worker, key: key)
            quarantined[failing] = now.advanced(by: options.quarantine)
            // Its failures are counted anew after that.
            streaks[failing] = nil
            excluded[failing] = nil
        case .shared(let shared):
            for stage in shared.stages { committed.insert(TaskID(image: shared.image, stage: stage)) }
            return twins.judge(shared, live: live)
        default: break
        }
        return nil
    }

    private mutating func judge(_ done: CommittedResult) -> String? {
        let lease = done.result.lease
        defer {
            watched[lease] = nil
            live = live.filter { $0.task.image != lease.task.image }
        }
        guard committed.insert(lease.task).inserted else { return "task \(lease.task) is committed twice" }
        if let last = lastAttempt[lease.task.image], lease.attempt < last, !live.contains(lease) {
            return "\(lease) is committed, though attempt \(last) was given"
        }
        guard takers[lease] == done.worker else {
            return "\(lease) of \(String(describing: takers[lease])) is committed from \(done.worker)"
        }
        if let key = keys[lease] {
            let failing = Failing(worker: done.worker, key: key)
            streaks[failing] = nil
            excluded[failing] = nil
        }
        return nil
    }

    /// A task has one live lease, or two when the first took long.
    private mutating func judge(_ held: HeldLease, at now: Instant) -> String? {
        let image = held.id.task.image
        let earlier = live.filter { $0.task.image == image && $0 != held.id }
        live.insert(held.id)
        guard earlier.count < 2 else { return "\(held.id) is given while \(earlier) are held" }
        guard let first = earlier.first, let entry = watched[first] else { return nil }
        guard now.milliseconds(since: entry.given) >= options.shortestTail else {
            return "\(held.id) is given while \(first) has just begun"
        }
        return nil
    }

    private mutating func judge(_ dispatch: Dispatch, to session: WorkerSession, at now: Instant) -> String? {
        let key = StageKey(model: dispatch.model, stage: dispatch.stage)
        let lease = dispatch.lease
        keys[lease] = key
        guard takers[lease] == session.worker else {
            return "\(lease) goes to \(session), though \(String(describing: takers[lease])) has it"
        }
        guard watched[lease] == nil else { return "\(lease) is given twice" }
        watch(lease, session, patience: dispatch.leaseMilliseconds, at: now)
        let failing = Failing(worker: session.worker, key: key)
        if let until = excluded[failing], until > now {
            return "\(lease) goes to \(session), which is excluded from \(dispatch.stage)"
        }
        if let until = quarantined[failing], until > now {
            return "\(lease) goes to \(session), which gave wrong bytes in \(dispatch.stage)"
        }
        return twins.judge(lease, live: live)
    }

    private func judge(revoked lease: LeaseID, at now: Instant) -> String? {
        guard let entry = watched[lease], now.milliseconds(since: entry.renewed) < entry.patience else {
            return nil
        }
        return "\(lease) is taken from \(entry.session), which advanced in time"
    }

    /// Notes what is on disk now.
    mutating func noteDurable(_ changes: [CoordinatorChange]) {
        for change in changes {
            switch change {
            case .result(let done):
                durable[done.result.lease.task] = done
                if done.result.pixels != nil {
                    pictures.insert(done.result.blob)
                } else {
                    intermediates.insert(done.result.blob)
                }
            case .shared(let shared):
                for stage in shared.stages {
                    let task = TaskID(image: shared.image, stage: stage)
                    var done = durable[TaskID(image: shared.other, stage: stage)]
                    done?.result.lease = LeaseID(task: task, attempt: 0)
                    durable[task] = done
                }
            case .job(let head) where head.state != .draft: durableJobs.insert(head.id)
            default: break
            }
        }
    }

    /// Whether a job is on disk, complete.
    func isDurable(_ job: JobID) -> Bool { durableJobs.contains(job) }

    /// Judges a verdict that leaves the coordinator.
    func judge(_ lease: LeaseID, _ verdict: Verdict) -> String? {
        guard verdict == .committed, reported.contains(lease), durable[lease.task]?.result.lease != lease
        else { return nil }
        return "\(lease) is acknowledged and not on disk"
    }

    /// Judges what a user is shown.
    func judge(_ status: JobStatus) -> String? {
        let images = status.images
        let count = images.waiting + images.running + images.done + images.failed + images.cancelled
        guard let script = Int(status.name.dropFirst(4)).map({ scripts[$0] }), count == script.requests.count
        else { return "job \(status.id) has \(count) images" }
        guard status.state == .active || status.state == .paused else { return nil }
        let waiting = status.waiting.reduce(0) { $0 + $1.count }
        let queue =
            status.modelKey == nil ? images.waiting : status.tasks.ready + status.tasks.blocked
        guard waiting == queue else { return "\(waiting) tasks of job \(status.id) say why, \(queue) wait" }
        return nil
    }

    // MARK: The workers

    /// A worker's disk has a result.
    mutating func noteKept(_ lease: LeaseID, by worker: Int) { kept[worker, default: []].insert(lease) }

    /// Judges that a worker drops what it keeps for a lease.
    mutating func judge(forgotten lease: LeaseID, by worker: Int, after event: WorkerEvent) -> String? {
        guard kept[worker]?.remove(lease) != nil else { return nil }
        switch event {
        case .order, .finished, .uploadRefused, .interrupted, .stageFailed: return nil
        case .tick, .inputReady, .inputFailed, .stepped, .uploaded, .drain, .stop:
            return "worker \(worker) drops the result of \(lease) without a verdict"
        }
    }

    /// Judges what a restarted worker finds in its outbox.
    func judge(outbox: [LeaseID], of worker: Int) -> String? {
        guard let lost = (kept[worker] ?? []).subtracting(outbox).min() else { return nil }
        return "worker \(worker) lost the result of \(lost)"
    }
}
