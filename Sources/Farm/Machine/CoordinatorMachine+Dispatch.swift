import OrderedCollections

extension CoordinatorMachine {
    /// Gives ready tasks to workers that have room: first to those whose room changed, then, when more tasks
    /// became ready, to all that are free. So a message costs the same with one worker and with thousands.
    mutating func dispatch(at now: Instant) {
        let changed = workers.takeChanged()
        guard trouble == nil, !queue.isEmpty else { return }
        for id in changed { feed(id, mayLoad: true, at: now) }
        guard hasNewTasks else { return }
        hasNewTasks = false
        // Those that have the model in memory come first; then whoever is still free loads it.
        for mayLoad in [false, true] {
            var place = 0
            while !queue.isEmpty, let next = workers.firstFree(from: place) {
                feed(next.id, mayLoad: mayLoad, at: now)
                place = next.place + 1
            }
        }
    }

    private mutating func feed(_ id: WorkerID, mayLoad: Bool, at now: Instant) {
        while mayStillSetAside > 0, !queue.isEmpty, let image = pick(for: id, mayLoad: mayLoad, at: now) {
            if !setAside(image) { lease(image, to: id, at: now) }
        }
    }

    /// The image whose current stage this worker should get now. Where its next task is too much to be
    /// queued, a busy worker waits: were something cheaper to overtake it, its turn might never come.
    private func pick(for id: WorkerID, mayLoad: Bool, at now: Instant) -> ImageID? {
        guard let worker = workers[id], worker.presence == .connected, !worker.rests(at: now),
            worker.leases.count < worker.hello.slots + options.prefetch,
            let image = next(for: worker, mayLoad: mayLoad, at: now)
        else { return nil }
        return worker.leases.count < worker.hello.slots || canQueue(image, on: worker) ? image : nil
    }

    /// The first image in the queue's order that the worker can serve, but one of the model in its memory
    /// where that is as urgent and the last change of models has not paid off yet.
    private func next(for worker: Worker, mayLoad: Bool, at now: Instant) -> ImageID? {
        var away: (image: ImageID, priority: Int)?
        for share in queue.shares {
            if let away, share.priority < away.priority { break }
            for key in share.keys {
                guard let job = jobs[key.job], let model = job.head.model, worker.serves(model),
                    away == nil || worker.home == model,
                    let image = straggler(before: key, of: job, model, for: worker, at: now)
                        ?? candidate(key, of: job, model, for: worker, at: now)
                else { continue }
                if worker.home == model { return image }
                away = (image, share.priority)
                if worker.home == nil || worker.workSinceLoad >= loadSeconds(of: model) * options.loadFactor {
                    return mayLoad ? image : nil
                }
            }
        }
        return mayLoad ? away?.image : nil
    }

    /// The first image at the earliest of the stages before `key`, where fewer wait at those than there are
    /// workers. A job is done when its last picture is: the last ones catch up before others are finished,
    /// and in the end all workers share what is short.
    private func straggler(
        before key: ReadyQueue.Key, of job: Job, _ model: ModelKey, for worker: Worker, at now: Instant
    ) -> ImageID? {
        let earlier = job.ready[..<key.stage]
        guard let stage = earlier.firstIndex(where: { !$0.isEmpty }),
            earlier.reduce(0, { $0 + $1.count }) < workers.count
        else { return nil }
        var first = key
        first.stage = stage
        return candidate(first, of: job, model, for: worker, at: now)
    }

    /// The first image of a (job, stage) pair that this worker may be given.
    private func candidate(
        _ key: ReadyQueue.Key, of job: Job, _ model: ModelKey, for worker: Worker, at now: Instant
    ) -> ImageID? {
        guard let stages = models[model]?.stages, stages.indices.contains(key.stage) else { return nil }
        let stageKey = StageKey(model: model, stage: stages[key.stage].name)
        guard !worker.isExcluded(from: stageKey, at: now) else { return nil }
        var start = 0
        while let index = job.ready[key.stage].first(from: start) {
            let image = ImageID(job: key.job, index: index)
            if !shouldAvoid(worker.session.worker, for: image, stageKey, at: now) { return image }
            start = index + 1
        }
        return nil
    }

    /// Whether a busy worker may get one more: while it would then hold little work or is about to run out of
    /// it, and there is plenty for everyone.
    private func canQueue(_ image: ImageID, on worker: Worker) -> Bool {
        guard let job = jobs[image.job], job.taskCounts.ready >= 2 * workers.count,
            let task = view(of: TaskID(image: image, stage: Int(job.images[image.index].stage))),
            let seconds = measuredSeconds(of: task, on: worker)
        else { return false }
        let left = worker.secondsLeft
        return left + seconds <= options.creditSeconds || left <= options.leadSeconds
    }

    /// Whether the worker failed this task before and another could take it.
    func shouldAvoid(_ id: WorkerID, for image: ImageID, _ key: StageKey, at now: Instant) -> Bool {
        guard let avoided = avoided[image], avoided.contains(id) else { return false }
        return workers.values.contains { other in
            other.presence == .connected && !other.rests(at: now) && other.serves(key.model)
                && !other.isExcluded(from: key, at: now) && !avoided.contains(other.session.worker)
        }
    }

    /// Measured seconds to load a model; 0 while unknown.
    private func loadSeconds(of model: ModelKey) -> Double { loads[model]?.seconds ?? 0 }

    /// Seconds that a task should take on a worker, by its own measure where it has one; nil while nobody's
    /// is known.
    func measuredSeconds(of task: TaskView, on worker: Worker) -> Double? {
        (worker.paces[task.key] ?? paces[task.key]).map { $0.seconds * task.work }
    }

    /// Gives the image's current task to a worker under a new attempt.
    mutating func lease(_ image: ImageID, to id: WorkerID, at now: Instant) {
        guard let session = workers[id]?.session, let row = jobs[image.job]?.images[image.index],
            let task = view(of: TaskID(image: image, stage: Int(row.stage)))
        else { return }
        guard row.attempt < .max else {
            return giveUp(image, "It was tried \(row.attempt) times.", at: now)
        }
        change(image) { row in
            row.leased = true
            row.attempt += 1
        }
        let stage = Int(row.stage)
        let lease = LeaseID(task: TaskID(image: image, stage: stage), attempt: Int(row.attempt) + 1)
        let patience = hold(lease, of: task, by: id, at: now)
        workers[id]?.comeHome(to: task.key.model)
        guard let job = jobs[image.job] else { return }
        let input = stage == 0 ? nil : job.evidence(image: image.index, stage: stage - 1).map(BlobID.init)
        let dispatch = Dispatch(
            lease: lease, model: task.key.model, stage: task.key.stage,
            options: job.variants[Int(row.variant)],
            input: input, isLast: task.isLast, leaseMilliseconds: patience)
        effects.append(.assign(session, dispatch))
    }
}
