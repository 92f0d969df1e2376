import OrderedCollections

extension CoordinatorMachine {
    /// The job's number changes with each change of the job; nil when there is no such job.
    package func revision(of id: JobID) -> UInt64? {
        guard let job = jobs[id], job.head.state != .draft else { return nil }
        return revisions[id] ?? 0
    }

    /// The job as users see it; nil when there is no such job.
    package func status(of id: JobID, at now: Instant) -> JobStatus? {
        guard let job = jobs[id], job.head.state != .draft else { return nil }
        let head = job.head
        return JobStatus(
            id: id, name: head.submission.name, owner: head.submission.owner,
            priority: head.submission.priority,
            state: head.state, model: head.submission.model, modelKey: head.model, images: job.imageCounts,
            tasks: job.taskCounts, waiting: reasons(for: job, at: now), secondsLeft: secondsLeft(of: job),
            submitted: head.submitted, finished: head.finished, alarms: head.alarms,
            revision: revisions[id] ?? 0)
    }

    /// Jobs by falling number, below `before`, at most `limit`.
    package func jobList(before: JobID?, limit: Int, at now: Instant) -> [JobStatus] {
        var list: [JobStatus] = []
        for id in jobs.keys.reversed() where before.map({ id < $0 }) ?? true {
            guard list.count < limit else { break }
            if let job = status(of: id, at: now) { list.append(job) }
        }
        return list
    }

    /// Workers by name.
    package func workerList(at now: Instant) -> [WorkerStatus] {
        workers.values.sorted { $0.session < $1.session }.map { worker in
            WorkerStatus(
                id: worker.session.worker, host: worker.hello.host, build: worker.hello.build,
                cpu: worker.hello.cpu,
                threads: worker.hello.threads, tags: worker.hello.tags,
                connected: worker.presence == .connected,
                silentMilliseconds: max(0, now.milliseconds(since: worker.heard)),
                models: worker.hello.models.map(\.key),
                running: worker.leases.map { lease in
                    RunningTask(
                        lease: lease.id, stage: lease.key.stage, phase: lease.phase, step: lease.step,
                        steps: lease.steps)
                },
                completed: worker.completed, failed: worker.failed,
                excluded: worker.exclusions.compactMap { exclusion in
                    guard worker.isExcluded(from: exclusion.key, at: now) else { return nil }
                    return "\(exclusion.key.stage) of \(exclusion.key.model.name): \(exclusion.reason)"
                } + worker.hello.unserved.map { "\($0.stage) of \($0.model.name): too little memory" })
        }
    }

    /// Models in the order in which they became known.
    package var modelList: [ModelAnnouncement] { Array(models.values) }

    /// The model that job `id` uses; nil while none of that name is known.
    package func model(of id: JobID) -> ModelAnnouncement? {
        jobs[id]?.head.model.flatMap { models[$0] }
    }

    /// Whether a session is some worker's present one and not lost.
    package func knows(_ session: WorkerSession) -> Bool {
        guard let worker = workers[session.worker] else { return false }
        return worker.session == session && worker.presence != .lost
    }

    private func reasons(for job: Job, at now: Instant) -> [WaitReason] {
        guard job.head.state == .active || job.head.state == .paused else { return [] }
        guard let key = job.head.model else {
            let text = "no worker with the model \"\(job.head.submission.model)\" has connected yet"
            return [WaitReason(count: job.imageCounts.waiting, text: text)]
        }
        guard job.head.state == .active else {
            let paused = WaitReason(count: job.taskCounts.ready, text: "the job is paused")
            return [paused, blocked(of: job)].filter { $0.count > 0 }
        }
        var reasons: [WaitReason] = []
        for (place, ready) in job.ready.enumerated() where !ready.isEmpty {
            let text = reason(forStage: place, of: job, key, at: now)
            if let same = reasons.firstIndex(where: { $0.text == text }) {
                reasons[same].count += ready.count
            } else {
                reasons.append(WaitReason(count: ready.count, text: text))
            }
        }
        if job.asideCount > 0 {
            reasons.append(WaitReason(count: job.asideCount, text: twinReason(of: job)))
        }
        return (reasons + [blocked(of: job)]).filter { $0.count > 0 }
    }

    private func blocked(of job: Job) -> WaitReason {
        WaitReason(
            count: job.taskCounts.blocked, text: "an earlier stage of the same picture comes first")
    }

    private func reason(forStage place: Int, of job: Job, _ model: ModelKey, at now: Instant) -> String {
        if let trouble { return trouble }
        let able = workers.values.lazy.filter { $0.presence == .connected && $0.serves(model) }
        guard !able.isEmpty else { return "no connected worker has the model \(model.name)" }
        if let resting = able.first, able.allSatisfy({ $0.rests(at: now) }) {
            return "every worker that has the model gives its tasks back for now: \(resting.restReason)"
        }
        if let stages = models[model]?.stages, stages.indices.contains(place) {
            let key = StageKey(model: model, stage: stages[place].name)
            if able.allSatisfy({ $0.hello.unserved.contains(key) }) {
                return "no connected worker has the memory that \(key.stage) needs"
            }
            if able.allSatisfy({ $0.isExcluded(from: key, at: now) }) {
                return "every worker that has the model is excluded from \(key.stage) after failures"
            }
        }
        return "the workers are busy"
    }

    /// Seconds until a job that has the workers for itself is done: each stage's tasks over the tasks that
    /// its workers do in a second, as measured worker by worker.
    private func secondsLeft(of job: Job) -> Double? {
        guard job.head.state == .active, let model = job.head.model, let stages = models[model]?.stages else {
            return nil
        }
        let able = workers.values.lazy.filter { $0.presence == .connected && $0.serves(model) }
        let slots = able.reduce(0) { $0 + $1.hello.slots }
        guard slots > 0 else { return nil }
        var seconds = 0.0
        for (place, steps) in job.remainingSteps.enumerated() where steps > 0 && place < stages.count {
            let key = StageKey(model: model, stage: stages[place].name)
            guard let pace = paces[key] else { return nil }
            let perSecond = able.filter { !$0.hello.unserved.contains(key) }.reduce(0) { sum, worker in
                sum + Double(worker.hello.slots) / max(worker.paces[key]?.seconds ?? pace.seconds, 1e-6)
            }
            guard perSecond > 0 else { return nil }
            seconds += Double(steps) / Double(max(1, stages[place].steps)) / perSecond
        }
        // Few pictures cannot keep many workers busy.
        let images = max(1, job.imageCounts.waiting + job.imageCounts.running)
        let idle = Double(slots) / Double(min(slots, images))
        return min(seconds * idle, 1e8)
    }
}
