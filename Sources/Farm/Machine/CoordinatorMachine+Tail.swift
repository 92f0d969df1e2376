import OrderedCollections

/// A lease that is still good although a later attempt of its task was given to another worker.
struct Elder: Hashable, Sendable {
    var lease: LeaseID
    var worker: WorkerID
    /// Who holds the later attempt; nil when nobody does any more.
    var younger: WorkerID?
}

/// The tail: where a worker finds nothing to begin, it tries what runs too long elsewhere, and the first
/// result wins. The store holds one lease an image: that of the later attempt, or the earlier one's when it
/// is alone again.
extension CoordinatorMachine {
    /// Gives tasks that run too long to free workers, while there is nothing better to do.
    mutating func hurry(at now: Instant) {
        guard trouble == nil, mayStillSetAside > 0, workers.firstFree(from: 0) != nil else { return }
        var late: [(lease: Lease, worker: WorkerID, over: Int64)] = []
        for (lease, worker) in workers.leases(givenBefore: now.advanced(by: -options.shortestTail)) {
            let over = now.milliseconds(since: lease.given) - limit(for: lease)
            guard over > 0, elders[lease.id.task.image] == nil,
                jobs[lease.id.task.image.job]?.head.state == .active
            else { continue }
            late.append((lease, worker, over))
        }
        late.sort { ($1.over, $0.lease.id) < ($0.over, $1.lease.id) }
        for (lease, holder, _) in late {
            guard let helper = freeWorker(for: lease, besides: holder, at: now) else { continue }
            let image = lease.id.task.image
            elders[image] = Elder(lease: lease.id, worker: holder, younger: helper)
            notice("\(lease.id) takes long on worker \(holder); worker \(helper) tries it too")
            self.lease(image, to: helper, at: now)
        }
    }

    /// Milliseconds that a task may take before another worker is asked; no end while its pace is unknown.
    private func limit(for lease: Lease) -> Int64 {
        guard let pace = paces[lease.key] else { return .max / 2 }
        let load = loads[lease.key.model]?.seconds ?? 0
        let expected = min((pace.seconds * lease.work * options.tailFactor + load) * 1000, 1e12)
        return max(options.shortestTail, Int64(expected))
    }

    private func freeWorker(for lease: Lease, besides holder: WorkerID, at now: Instant) -> WorkerID? {
        var place = 0
        while let next = workers.firstFree(from: place) {
            if next.id != holder, let worker = workers[next.id], !worker.rests(at: now),
                worker.serves(lease.key.model), !worker.isExcluded(from: lease.key, at: now),
                !(avoided[lease.id.task.image]?.contains(next.id) ?? false)
            {
                return next.id
            }
            place = next.place + 1
        }
        return nil
    }

    /// Whether a lease is good although it is not of the image's last attempt.
    func isElder(_ lease: LeaseID) -> Bool { elders[lease.task.image]?.lease == lease }

    /// Whether the store holds another lease of the image instead of this one.
    func isShadow(_ lease: LeaseID) -> Bool { isElder(lease) && elders[lease.task.image]?.younger != nil }

    /// One lease of an image ended without a result; true when another worker goes on with the task.
    mutating func goesOn(without lease: LeaseID) -> Bool {
        let image = lease.task.image
        guard let elder = elders[image] else { return false }
        if elder.lease == lease {
            elders[image] = nil
            return elder.younger != nil
        }
        elders[image]?.younger = nil
        if let session = workers[elder.worker]?.session {
            persist(.leased(HeldLease(id: elder.lease, session: session)))
        }
        return true
    }

    /// Takes the image's task from whoever holds it.
    mutating func revokeAll(of image: ImageID) {
        revokeRivals(of: nil, image: image)
        guard let row = jobs[image.job]?.images[image.index], row.leased else { return }
        let lease = LeaseID(task: TaskID(image: image, stage: Int(row.stage)), attempt: Int(row.attempt))
        guard let holder = workers.holder(of: lease) else { return }
        revoke(lease, from: holder)
    }

    private mutating func revoke(_ lease: LeaseID, from worker: WorkerID) {
        forget(lease, of: worker)
        persist(.released(lease))
        if let session = workers[worker]?.session { send(session, .revoke(lease)) }
    }

    /// Takes the image's task from everyone but the holder of `lease`.
    mutating func revokeRivals(of lease: LeaseID?, image: ImageID) {
        guard let elder = elders.removeValue(forKey: image) else { return }
        var rivals = [(elder.lease, elder.worker)]
        if let younger = elder.younger, let row = jobs[image.job]?.images[image.index] {
            rivals.append((LeaseID(task: elder.lease.task, attempt: Int(row.attempt)), younger))
        }
        for (rival, worker) in rivals where rival != lease { revoke(rival, from: worker) }
    }
}
