import OrderedCollections

extension CoordinatorMachine {
    /// Gives ready tasks to workers that have room.
    mutating func dispatch(at now: Instant) {
        guard trouble == nil else { return }
        for id in workers.keys {
            while !queue.keys.isEmpty, let image = pick(for: id, at: now) { lease(image, to: id, at: now) }
        }
    }

    /// The image whose current stage this worker should get next.
    private func pick(for id: WorkerID, at now: Instant) -> ImageID? {
        guard let worker = workers[id], worker.presence == .connected else { return nil }
        let room = worker.hello.slots - worker.leases.count
        guard room + options.prefetch > 0 else { return nil }
        for key in queue.keys {
            guard let job = jobs[key.job], let model = job.head.model, worker.serves(model),
                let stage = stageName(key.stage, of: model)
            else { continue }
            let stageKey = StageKey(model: model, stage: stage)
            guard !worker.isExcluded(from: stageKey, at: now), room > 0 || canQueue(stageKey, job: job) else {
                continue
            }
            var start = 0
            while let index = job.ready[key.stage].first(from: start) {
                let image = ImageID(job: key.job, index: index)
                if !shouldAvoid(id, for: image, stageKey, at: now) { return image }
                start = index + 1
            }
        }
        return nil
    }

    private func stageName(_ place: Int, of model: ModelKey) -> StageName? {
        guard let stages = models[model]?.stages, stages.indices.contains(place) else { return nil }
        return stages[place].name
    }

    /// Whether a busy worker may get one more: only what is cheap, and only while there is plenty for
    /// everyone.
    private func canQueue(_ key: StageKey, job: Job) -> Bool {
        guard let pace = paces[key], pace.seconds <= options.cheapSeconds else { return false }
        return job.taskCounts.ready >= 2 * workers.count
    }

    /// Whether the worker failed this task before and another could take it.
    private func shouldAvoid(_ id: WorkerID, for image: ImageID, _ key: StageKey, at now: Instant) -> Bool {
        guard let avoided = avoided[image], avoided.contains(id) else { return false }
        return workers.values.contains { other in
            other.presence == .connected && other.serves(key.model) && !other.isExcluded(from: key, at: now)
                && !avoided.contains(other.session.worker)
        }
    }

    private mutating func lease(_ image: ImageID, to id: WorkerID, at now: Instant) {
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
        let patience = hold(lease, of: task.key, by: id, at: now)
        guard let job = jobs[image.job] else { return }
        let input = stage == 0 ? nil : job.evidence(image: image.index, stage: stage - 1).map(BlobID.init)
        let dispatch = Dispatch(
            lease: lease, model: task.key.model, stage: task.key.stage,
            options: job.variants[Int(row.variant)],
            input: input, isLast: task.isLast, leaseMilliseconds: patience)
        effects.append(.assign(session, dispatch))
    }
}
