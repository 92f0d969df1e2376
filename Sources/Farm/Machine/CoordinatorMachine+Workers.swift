import OrderedCollections

extension CoordinatorMachine {
    mutating func welcome(_ hello: WorkerHello, at now: Instant) {
        let id = hello.session.worker
        let ours = options.protocolVersions
        guard let version = hello.protocolVersion(with: ours) else {
            return refuse(
                hello.session,
                "This worker speaks protocol \(hello.oldestProtocol) to \(hello.newestProtocol), "
                    + "the coordinator \(ours.lowerBound) to \(ours.upperBound). "
                    + "Use the same release of tessera on both.")
        }
        if let refusal = refusal(of: hello) { return refuse(hello.session, refusal) }
        if let known = workers[id], known.session != hello.session {
            if known.presence != .lost { notice("worker \(id) restarted") }
            workers[id]?.forgiveExclusions()
            releaseAll(of: id, because: "worker \(id) restarted", isItsFault: true, at: now)
            workers[id]?.formerNonces.append(known.session.nonce)
            if known.formerNonces.count >= 8 { workers[id]?.formerNonces.removeFirst() }
        }
        if workers[id] == nil {
            workers[id] = Worker(hello: hello, presence: .connected, heard: now)
            notice("worker \(id) joined from \(hello.host) with \(hello.models.count) models")
        }
        workers[id]?.hello = hello
        workers[id]?.presence = .connected
        workers[id]?.heard = now
        workers.markChanged(id)
        let kept = settleLeases(of: id, running: hello.running, at: now)
        for model in hello.models { learn(model, at: now) }
        send(
            hello.session,
            .welcome(
                Welcome(
                    protocolVersion: version, blobPort: options.blobPort,
                    heartbeatMilliseconds: options.heartbeat(among: workers.count),
                    graceMilliseconds: options.grace, farm: options.farm, kept: kept)))
    }

    private mutating func refuse(_ session: WorkerSession, _ text: String) {
        send(session, .refused(text))
        notice("worker \(session.worker) refused: \(text)", isWarning: true)
    }

    private func refusal(of hello: WorkerHello) -> String? {
        if let known = workers[hello.session.worker] {
            guard known.formerNonces.contains(hello.session.nonce) else { return nil }
            return
                "Another worker named \"\(hello.session.worker)\" is connected. "
                + "Give each worker its own name."
        }
        return workers.count < Limits.workers ? nil : "The coordinator has \(Limits.workers) workers already."
    }

    /// Of the leases a worker lists, those that hold; those it does not list are free, for it never got them.
    private mutating func settleLeases(of id: WorkerID, running: [LeaseID], at now: Instant) -> [LeaseID] {
        for lease in workers[id]?.leases ?? [] where !running.contains(lease.id) {
            release(lease.id, from: id)
        }
        var kept: [LeaseID] = []
        for lease in running {
            if workers[id]?.leases.contains(where: { $0.id == lease }) ?? false {
                kept.append(lease)
            } else if let task = current(lease), !task.row.leased {
                change(lease.task.image) { $0.leased = true }
                hold(lease, of: task, by: id, at: now)
                kept.append(lease)
            }
        }
        return kept
    }

    /// Notes a lease with its worker and with the store; gives the milliseconds it may go without progress.
    @discardableResult
    mutating func hold(_ lease: LeaseID, of task: TaskView, by id: WorkerID, at now: Instant) -> Int64 {
        guard let worker = workers[id] else { return options.unknownLease }
        let measured = measuredSeconds(of: task, on: worker)
        let seconds = measured ?? options.assumedSeconds * task.work
        let patience = measured.map(patience(forSeconds:)) ?? options.unknownLease
        workers[id]?.leases.append(
            Lease(
                id: lease, key: task.key, work: task.work, patience: patience,
                deadline: now.advanced(by: patience), given: now, seconds: seconds))
        chargeOwner(of: lease.task.image.job, seconds)
        persist(.leased(HeldLease(id: lease, session: worker.session)))
        return patience
    }

    /// Milliseconds without progress after which the lease of a task that should take `seconds` ends.
    private func patience(forSeconds seconds: Double) -> Int64 {
        max(options.shortestLease, Int64(min(seconds * 1000 * options.leaseFactor, 86_400_000)))
    }

    /// Milliseconds that a phase may take at least, however quick the stage itself is.
    private func allowance(for phase: TaskPhase) -> Int64 {
        switch phase {
        case .loading: options.loadLease
        case .stepping: 0
        case .uploading: options.uploadLease
        }
    }

    /// Notes that a worker was heard; false (and it is asked to say hello) when its session is not known.
    mutating func hear(_ session: WorkerSession, at now: Instant) -> Bool {
        if workers.hear(session, at: now) { return true }
        send(session, .helloAgain)
        return false
    }

    mutating func note(_ progress: TaskProgress, from session: WorkerSession, at now: Instant) {
        guard hear(session, at: now) else { return }
        guard let worker = workers[session.worker],
            let place = worker.leases.firstIndex(where: { $0.id == progress.lease })
        else {
            send(session, .revoke(progress.lease))
            return
        }
        var leases = worker.leases
        let lease = leases[place]
        guard !lease.hasBegun || progress.phase != lease.phase || progress.step > lease.step else { return }
        leases[place].hasBegun = true
        leases[place].phase = progress.phase
        leases[place].step = progress.step
        leases[place].steps = progress.steps
        // What waits behind a task that advances keeps its time too.
        let allowance = allowance(for: progress.phase)
        for index in leases.indices {
            leases[index].deadline = now.advanced(by: max(allowance, leases[index].patience))
        }
        workers[session.worker]?.leases = leases
        let left = leases.reduce(0) { $0 + $1.secondsLeft }
        if worker.secondsLeft > options.leadSeconds, left <= options.leadSeconds {
            workers.markChanged(session.worker)
        }
    }

    mutating func leave(_ session: WorkerSession, at now: Instant) {
        guard let worker = workers[session.worker], worker.session == session else { return }
        for lease in worker.leases { release(lease.id, from: session.worker) }
        workers[session.worker]?.presence = .lost
        workers[session.worker]?.heard = now
        notice("worker \(session.worker) left")
    }

    mutating func undeliver(_ lease: LeaseID?, to session: WorkerSession, at now: Instant) {
        guard let worker = workers[session.worker], worker.session == session else { return }
        if worker.presence == .connected { workers[session.worker]?.presence = .away }
        if let lease, worker.leases.contains(where: { $0.id == lease }) {
            release(lease, from: session.worker)
        }
    }

    /// Frees every lease of a worker that is gone.
    mutating func releaseAll(
        of id: WorkerID, because reason: String, isItsFault: Bool = false, at now: Instant
    ) {
        guard let worker = workers[id] else { return }
        let atWork = worker.atWork
        for lease in worker.leases {
            guard atWork.contains(lease.id) else {
                release(lease.id, from: id)
                continue
            }
            if isItsFault, lease.hasBegun { blame(id, for: lease.id.task.image, in: lease.key, at: now) }
            lose(lease.id, by: id, because: reason, at: now)
        }
    }

    /// Takes the lease from whoever holds it (`id`, most likely); its task is ready again.
    mutating func release(_ lease: LeaseID, from id: WorkerID) {
        let isLive = current(lease)?.row.leased ?? false
        if let held = workers[id]?.leases.first(where: { $0.id == lease }) {
            chargeOwner(of: lease.task.image.job, -held.seconds)
        }
        forget(lease, of: id)
        guard isLive else { return }
        persist(.released(lease))
        if !goesOn(without: lease) { change(lease.task.image) { $0.leased = false } }
    }

    /// Whether a worker has a lease.
    package func holds(_ id: WorkerID, _ lease: LeaseID) -> Bool {
        workers[id]?.leases.contains { $0.id == lease } ?? false
    }

    /// The same when the worker vanished with it or got stuck: it goes elsewhere, and not without end.
    mutating func lose(_ lease: LeaseID, by id: WorkerID, because reason: String, at now: Instant) {
        let losses = (current(lease)?.row.losses).map { Int($0) + 1 }
        release(lease, from: id)
        guard let losses else { return }
        let image = lease.task.image
        change(image) { $0.losses += 1 }
        avoid(id, for: image)
        if losses >= options.mostLosses, !isLeased(image) {
            giveUp(image, "\(reason); \(losses) workers were lost with this task.", at: now)
        }
    }

    /// Removes a lease from the worker that holds it, most likely `id`.
    mutating func forget(_ lease: LeaseID, of id: WorkerID) {
        guard let holder = holds(id, lease) ? id : workers.holder(of: lease) else { return }
        workers[holder]?.leases.removeAll { $0.id == lease }
    }

    /// Whether some worker has the image's task.
    func isLeased(_ image: ImageID) -> Bool { jobs[image.job]?.images[image.index].leased ?? false }

    /// Notes work given to a job's owner.
    mutating func chargeOwner(of job: JobID, _ seconds: Double) {
        guard let owner = jobs[job]?.head.submission.owner else { return }
        queue.charge(owner, seconds: seconds)
    }

    mutating func avoid(_ id: WorkerID, for image: ImageID) {
        if !(avoided[image]?.contains(id) ?? false) { avoided[image, default: []].append(id) }
    }

    mutating func tick(at now: Instant) {
        for id in workers.due(at: now) {
            guard let worker = workers[id] else { continue }
            let silence = now.milliseconds(since: worker.heard)
            if worker.presence == .lost {
                if silence > options.lostWorkerLife { workers.removeValue(forKey: id) }
                continue
            }
            if silence > options.grace {
                workers[id]?.presence = .lost
                notice("worker \(id) lost: not heard for \(silence / 1000) s", isWarning: true)
                releaseAll(of: id, because: "worker \(id) was lost", at: now)
                continue
            }
            let atWork = worker.atWork
            for lease in worker.leases where lease.deadline < now {
                send(worker.session, .revoke(lease.id))
                notice("worker \(id) made no progress on \(lease.id) in \(lease.key.stage)", isWarning: true)
                guard atWork.contains(lease.id) else {
                    release(lease.id, from: id)
                    continue
                }
                blame(id, for: lease.id.task.image, in: lease.key, at: now)
                lose(lease.id, by: id, because: "worker \(id) made no progress", at: now)
            }
        }
        for (job, heard) in draftHeard where now.milliseconds(since: heard) > options.draftLife { drop(job) }
    }
}
