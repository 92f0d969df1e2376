import OrderedCollections

extension CoordinatorMachine {
    mutating func complete(
        _ result: TaskResult, from session: WorkerSession, blobStored: Bool, at now: Instant
    ) {
        guard hear(session, at: now) else { return }
        let lease = result.lease
        guard let task = view(of: lease.task) else { return acknowledge(lease, .fenced, to: session) }
        let committed = CommittedResult(result: result, stage: task.key.stage, worker: session.worker)
        guard current(lease) != nil else {
            forget(lease, of: session.worker)
            if lease.task.stage < Int(task.row.stage) {
                return compare(committed, key: task.key, for: session, blobStored: blobStored, at: now)
            }
            return acknowledge(lease, .fenced, to: session)
        }
        guard task.isLast == (result.pixels != nil) else {
            let text =
                "The worker reported \(task.isLast ? "no pixel hash for a picture" : "a picture too early")."
            return fail(TaskFailure(lease: lease, kind: .application, message: text), from: session, at: now)
        }
        guard blobStored else { return acknowledge(lease, .blobMissing, to: session) }
        commit(committed, task, at: now)
        acknowledge(lease, .committed, to: session)
    }

    /// A result of a task that is done: evidence when it is the same, an alarm when it differs and is here.
    private mutating func compare(
        _ late: CommittedResult, key: StageKey, for session: WorkerSession, blobStored: Bool, at now: Instant
    ) {
        let lease = late.result.lease
        guard let known = evidence(of: lease.task), known != late.evidence else {
            return acknowledge(lease, .duplicate, to: session)
        }
        guard blobStored else { return acknowledge(lease, .blobMissing, to: session) }
        raiseAlarm(late, committed: known, key: key, at: now)
        acknowledge(lease, .fenced, to: session)
    }

    private func evidence(of task: TaskID) -> Digest? {
        jobs[task.image.job]?.evidence(image: task.image.index, stage: task.stage)
    }

    private mutating func raiseAlarm(
        _ late: CommittedResult, committed: Digest, key: StageKey, at now: Instant
    ) {
        let lease = late.result.lease
        let end = now.advanced(by: options.quarantine)
        guard workers[late.worker]?.quarantine(from: key, until: end, for: lease.task.image) ?? false,
            let worker = workers[late.worker]
        else { return }
        persist(.alarm(late, committed: committed))
        changeHead(lease.task.image.job) { $0.alarms += 1 }
        for other in worker.leases where other.key == key && other.id != lease {
            send(worker.session, .revoke(other.id))
            release(other.id, from: late.worker)
        }
        notice(
            "determinism alarm: worker \(late.worker) gave \(late.evidence) for \(lease), "
                + "committed is \(committed); both are kept, this one as blob \(late.result.blob); "
                + "the worker gets no \(key.stage) tasks for a while, or until it restarts",
            isWarning: true)
    }

    private mutating func commit(_ done: CommittedResult, _ view: TaskView, at now: Instant) {
        let task = done.result.lease.task
        if let known = evidence(of: task), known != done.evidence {
            raiseAlarm(done, committed: known, key: view.key, at: now)
        }
        let lease = done.result.lease
        let charged = workers[done.worker]?.leases.first { $0.id == lease }?.seconds
        if let charged { chargeOwner(of: task.image.job, done.result.seconds - charged) }
        forget(lease, of: done.worker)
        revokeRivals(of: lease, image: task.image)
        jobs[task.image.job]?.setEvidence(done.evidence, image: task.image.index, stage: task.stage)
        change(task.image) { row in
            row.leased = false
            row.stage += 1
            row.failures = 0
            row.losses = 0
            if view.isLast { row.state = .done }
        }
        persist(.result(done))
        workers[done.worker]?.noteSuccess(
            in: view.key, seconds: done.result.seconds, work: view.work, at: now)
        measure(done.result, of: view)
        finishIfDone(task.image.job, at: now)
    }

    /// Notes what a task took; the store is told when that is news.
    private mutating func measure(_ result: TaskResult, of task: TaskView) {
        let key = task.key
        let seconds = result.seconds / task.work
        var pace = paces[key] ?? Pace(seconds: seconds)
        pace.note(seconds)
        paces[key] = pace
        if result.loadSeconds > 0 {
            loads[key.model, default: Pace(seconds: result.loadSeconds)].note(result.loadSeconds)
        }
        let measured = MeasuredPace(
            key: key, seconds: pace.seconds, loadSeconds: loads[key.model]?.seconds ?? 0)
        guard !(storedPaces[key]?.isClose(to: measured) ?? false) else { return }
        storedPaces[key] = measured
        persist(.pace(measured))
    }

    mutating func fail(_ failure: TaskFailure, from session: WorkerSession, at now: Instant) {
        guard hear(session, at: now) else { return }
        let lease = failure.lease
        let image = lease.task.image
        guard let task = current(lease) else {
            forget(lease, of: session.worker)
            return acknowledge(lease, .fenced, to: session)
        }
        // Another worker may hold it, whose failure this is not.
        guard holds(session.worker, lease) else { return acknowledge(lease, .fenced, to: session) }
        release(lease, from: session.worker)
        // The attempt is spent: told again, for its acknowledgement was lost, the failure counts no more.
        change(image) { row in
            if Int(row.attempt) == lease.attempt, row.attempt < .max { row.attempt += 1 }
        }
        acknowledge(lease, .committed, to: session)
        let reason = "stage \(task.key.stage) on worker \(session.worker): \(failure.message)"
        switch failure.kind {
        case .declined:
            avoid(session.worker, for: image)
            workers[session.worker]?.noteDecline(failure.message, at: now, options: options)
            notice("\(lease) was given back by worker \(session.worker): \(failure.message)")
        case .inputMissing: rollBack(image, reason, at: now)
        case .application:
            avoid(session.worker, for: image)
            change(image) { $0.failures += 1 }
            notice("\(lease) failed in \(reason)", isWarning: true)
            if Int(task.row.failures) + 1 >= options.mostFailures, !isLeased(image) {
                giveUp(image, reason, at: now)
            }
            blame(session.worker, for: image, in: task.key, at: now)
        }
    }

    /// Counts a failure against a worker, which may exclude it from the stage.
    mutating func blame(_ id: WorkerID, for image: ImageID, in key: StageKey, at now: Instant) {
        if workers[id]?.noteFailure(of: image, in: key, at: now, options: options) ?? false {
            notice("worker \(id) is excluded from \(key.stage) for a while", isWarning: true)
        }
    }

    /// The stage before runs again, for its blob is gone.
    private mutating func rollBack(_ image: ImageID, _ reason: String, at now: Instant) {
        guard let row = jobs[image.job]?.images[image.index], row.stage > 0,
            Int(row.rollbacks) < options.mostRollbacks
        else { return giveUp(image, reason, at: now) }
        revokeAll(of: image)
        change(image) { row in
            row.leased = false
            row.stage -= 1
            row.rollbacks += 1
        }
        notice("image \(image) goes back a stage: \(reason)", isWarning: true)
    }

    private mutating func acknowledge(_ lease: LeaseID, _ verdict: Verdict, to session: WorkerSession) {
        send(session, .acknowledged(lease, verdict))
    }
}
