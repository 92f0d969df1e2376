import OrderedCollections

extension CoordinatorMachine {
    mutating func restore(_ snapshot: CoordinatorSnapshot, at now: Instant) {
        nextJob = snapshot.nextJob
        for model in snapshot.models { models[model.key] = model }
        for measured in snapshot.paces {
            storedPaces[measured.key] = measured
            paces[measured.key] = Pace(seconds: measured.seconds)
            if measured.loadSeconds > 0 { loads[measured.key.model] = Pace(seconds: measured.loadSeconds) }
        }
        for job in snapshot.jobs {
            jobs[job.head.id] = job
            submissions[job.head.submission.id] = job.head.id
            if job.head.state == .draft { draftHeard[job.head.id] = now }
            learnTwins(of: job.head.id)
            requeue(job.head.id)
        }
        for held in snapshot.leases { restore(held, at: now) }
        // Last, for these seconds count the leases already.
        for share in snapshot.shares { storedShares[share.owner] = share }
        queue.restore(snapshot.shares)
        effects = []
    }

    /// The worker of a lease is away until it says hello; the lease holds so long.
    private mutating func restore(_ held: HeldLease, at now: Instant) {
        let id = held.session.worker
        if let view = view(of: held.id.task), view.row.leased, held.id.attempt < Int(view.row.attempt) {
            elders[held.id.task.image] = Elder(lease: held.id, worker: id, younger: nil)
        }
        guard let task = current(held.id) else { return }
        if workers[id] == nil {
            let versions = options.protocolVersions
            let hello = WorkerHello(
                session: held.session, oldestProtocol: versions.lowerBound,
                newestProtocol: versions.upperBound)
            let heard = now.advanced(by: options.restartGrace - options.grace)
            workers[id] = Worker(hello: hello, presence: .away, heard: heard)
        }
        hold(held.id, of: task, by: id, at: now)
    }

    /// What must survive a crash, as the store should hold it now.
    package var snapshot: CoordinatorSnapshot {
        CoordinatorSnapshot(
            nextJob: nextJob, models: Array(models.values), jobs: jobs.values.map(\.asStored),
            leases: heldLeases, paces: storedPaces.values.sorted { $0.key < $1.key },
            shares: storedShares.values.sorted { $0.owner < $1.owner })
    }

    /// Lets the store know what owners were given: once a tick, so that a task costs no write more. A crash
    /// forgets a tick's work.
    mutating func saveShares() {
        for share in queue.takeChanges() where storedShares[share.owner] != share {
            storedShares[share.owner] = share
            persist(.share(share))
        }
    }

    /// The leases that workers hold, as the store should have them.
    package var heldLeases: [HeldLease] {
        let leases = workers.values.flatMap { worker in
            worker.leases.filter { !isShadow($0.id) }.map { HeldLease(id: $0.id, session: worker.session) }
        }
        return leases.sorted { $0.id < $1.id }
    }
}
