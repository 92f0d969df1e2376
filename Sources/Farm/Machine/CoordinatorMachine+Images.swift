import OrderedCollections

extension CoordinatorMachine {
    /// What a task is; nil when there is no such task.
    func view(of task: TaskID) -> TaskView? {
        guard let job = jobs[task.image.job], let model = job.head.model,
            let plan = job.plan(of: task.image.index), plan.stages.indices.contains(task.stage)
        else { return nil }
        return TaskView(
            row: job.images[task.image.index],
            key: StageKey(model: model, stage: plan.stages[task.stage].name), work: plan.work(task.stage),
            isLast: task.stage == plan.stages.count - 1)
    }

    /// What the task of `lease` is, if that is the last attempt of a task still to be done, or is still good
    /// beside it.
    func current(_ lease: LeaseID) -> TaskView? {
        guard let view = view(of: lease.task), view.row.isOpen, Int(view.row.stage) == lease.task.stage,
            Int(view.row.attempt) == lease.attempt || isElder(lease)
        else { return nil }
        return view
    }

    /// Changes an image's row; the job's counts, the queue and the store follow.
    mutating func change(_ image: ImageID, _ body: (inout ImageRow) -> Void) {
        guard let before = jobs[image.job]?.images[image.index] else { return }
        jobs[image.job]?.change(image.index, body)
        guard let after = jobs[image.job]?.images[image.index] else { return }
        if after.stage != before.stage { avoided[image] = nil }
        if !after.isOpen { avoided[image] = nil }
        follow(image, from: before, to: after)
        if after.isOpen, !after.leased { hasNewTasks = true }
        persist(.image(image, after))
        requeue(image.job, stage: Int(before.stage))
        if after.stage != before.stage { requeue(image.job, stage: Int(after.stage)) }
        touch(image.job)
    }

    /// Puts one stage of a job into the queue or takes it out, as its ready set and the job's state have it.
    mutating func requeue(_ id: JobID, stage: Int) {
        guard let job = jobs[id], job.ready.indices.contains(stage) else { return }
        let key = ReadyQueue.Key(
            priority: job.head.submission.priority, owner: job.head.submission.owner, stage: stage, job: id)
        queue.set(key, present: job.head.state == .active && !job.ready[stage].isEmpty)
    }

    /// The same for all stages of a job.
    mutating func requeue(_ id: JobID) {
        hasNewTasks = true
        for stage in 0..<(jobs[id]?.ready.count ?? 0) { requeue(id, stage: stage) }
    }

    /// Gives up an image.
    mutating func giveUp(_ image: ImageID, _ reason: String, at now: Instant) {
        revokeAll(of: image)
        change(image) { row in
            row.state = .failed
            row.leased = false
        }
        persist(.imageFailed(image, reason: reason))
        notice("image \(image) failed: \(reason)", isWarning: true)
        finishIfDone(image.job, at: now)
    }

    /// Ends a job whose last image has ended.
    mutating func finishIfDone(_ id: JobID, at now: Instant) {
        guard let job = jobs[id], job.head.state == .active || job.head.state == .paused,
            job.imageCounts.waiting + job.imageCounts.running == 0
        else { return }
        changeHead(id) { head in
            head.state = .finished
            head.finished = now
        }
        notice("job \(id) finished: \(job.imageCounts.done) done, \(job.imageCounts.failed) failed")
    }

    /// Changes a job's head; the store and the queue follow.
    mutating func changeHead(_ id: JobID, _ body: (inout Job.Head) -> Void) {
        guard var head = jobs[id]?.head else { return }
        body(&head)
        jobs[id]?.head = head
        persist(.job(head))
        requeue(id)
        touch(id)
    }
}

/// What a task is. It holds no part of the job, so that the job's rows are never copied for it.
struct TaskView {
    var row: ImageRow
    var key: StageKey
    /// Its steps over the model's usual ones.
    var work: Double
    var isLast: Bool
}
