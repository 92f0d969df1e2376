import DequeModule
import OrderedCollections

/// Identical stages are computed once, within a job and across jobs. A task whose result an open image
/// has, or whose picture any image has, takes that result over; one whose twin a worker has waits for it,
/// set aside from the ready tasks.
///
/// Images that waited, and those of jobs that begin or go on, are looked at in `proceed`, some at a time, so
/// that no turn grows with the number of twins.
extension CoordinatorMachine {
    /// Images looked at in one `proceed`, and set aside in one call of `apply`, at most.
    static let twinsPerTurn = 1000

    /// Whether there is work left that `CoordinatorEvent.proceed` does.
    package var hasMore: Bool { !due.isEmpty || !arrivals.isEmpty || mayStillSetAside == 0 }

    /// Goes on with what earlier events left.
    mutating func proceed(at now: Instant) {
        var left = CoordinatorMachine.twinsPerTurn
        while left > 0, let image = due.popFirst() {
            left -= 1
            guard jobs[image.job]?.bringBack(image.index) ?? false else { continue }
            hasNewTasks = true
            requeue(image.job, stage: Int(jobs[image.job]?.images[image.index].stage ?? 0))
            takeOver(image, at: now)
        }
        while left > 0, let (id, from) = arrivals.elements.first {
            let end = min(from + left, jobs[id]?.images.count ?? 0)
            for index in from..<max(from, end) { takeOver(ImageID(job: id, index: index), at: now) }
            left -= end - from
            let isOver = end == jobs[id]?.images.count ?? 0 || jobs[id]?.head.state != .active
            arrivals[id] = isOver ? nil : end
        }
    }

    /// Lets the images of a job that begins or goes on be looked at.
    mutating func arrive(_ id: JobID) { arrivals[id] = 0 }

    /// Takes a ready image's task out of the queue, where it need not be given to a worker; else false.
    mutating func setAside(_ image: ImageID) -> Bool {
        guard let stage = jobs[image.job]?.images[image.index].stage else { return false }
        if furthest(of: image) != nil {
            due.append(image)
        } else if let key = key(of: image, stage: Int(stage)), twins.runner(of: key) != nil {
            twins.wait(image, for: key)
        } else {
            return false
        }
        mayStillSetAside -= 1
        jobs[image.job]?.setAside(image.index)
        requeue(image.job, stage: Int(stage))
        touch(image.job)
        return true
    }

    /// Keeps the twins true to an image's row.
    mutating func follow(_ image: ImageID, from before: ImageRow, to after: ImageRow) {
        if before.leased, !after.leased || after.stage != before.stage,
            let key = key(of: image, stage: Int(before.stage))
        {
            due.append(contentsOf: twins.end(key, by: image))
        }
        if after.leased, !before.leased || after.stage != before.stage {
            begin(image, stage: Int(after.stage))
        }
        let (old, new) = (before.heldStages, after.heldStages)
        for stage in old where !new.contains(stage) {
            if let key = key(of: image, stage: stage) { twins.release(key) }
        }
        for stage in new where !old.contains(stage) { hold(image, stage: stage) }
        // A stage runs again because its blob is gone.
        if after.isOpen, after.stage < before.stage, let key = key(of: image, stage: Int(after.stage)) {
            twins.lose(key)
        }
    }

    /// The same for all images of a job that is cancelled.
    mutating func followCancel(of id: JobID) {
        for index in jobs[id]?.images.indices ?? 0..<0 {
            guard let row = jobs[id]?.images[index], row.isOpen, row.leased || row.stage > 0 else { continue }
            var cancelled = row
            cancelled.leased = false
            cancelled.state = .cancelled
            follow(ImageID(job: id, index: index), from: row, to: cancelled)
        }
    }

    /// Builds what concerns a job whose model is known.
    mutating func learnTwins(of id: JobID) {
        guard let job = jobs[id], let model = job.head.model else { return }
        twins.learn(id, model, job.variants, job.plans)
        for (index, row) in job.images.enumerated() {
            let image = ImageID(job: id, index: index)
            for stage in row.heldStages { hold(image, stage: stage) }
            if row.leased { begin(image, stage: Int(row.stage)) }
        }
        if job.head.state == .active { arrive(id) }
    }

    /// Why the tasks that are set aside wait.
    func twinReason(of job: Job) -> String {
        guard let first = job.firstAside,
            let key = key(of: ImageID(job: job.head.id, index: first), stage: Int(job.images[first].stage)),
            let runner = twins.runner(of: key)
        else { return "the same is done already and is being taken over" }
        let name = "image \(runner.index + 1) of job \(runner.job)"
        return job.asideCount == 1
            ? "the same as \(name), which is running"
            : "the same as other images that are running, such as \(name)"
    }

    private mutating func begin(_ image: ImageID, stage: Int) {
        if let key = key(of: image, stage: stage) { twins.begin(key, by: image) }
    }

    private mutating func hold(_ image: ImageID, stage: Int) {
        if let key = key(of: image, stage: stage) { twins.hold(key, by: image) }
    }

    private func key(of image: ImageID, stage: Int) -> Twins.Key? {
        guard let job = jobs[image.job], job.sources.indices.contains(image.index) else { return nil }
        return twins.key(
            job: image.job, variant: Int(job.images[image.index].variant), stage: stage,
            source: job.sources[image.index])
    }

    /// The last stage of an open image, not below its current one, that an image has done; and that image.
    private func furthest(of image: ImageID) -> (stage: Int, other: ImageID)? {
        guard let row = jobs[image.job]?.images[image.index],
            let count = jobs[image.job]?.plan(of: image.index)?.stages.count
        else { return nil }
        for stage in stride(from: count - 1, through: Int(row.stage), by: -1) {
            if let key = key(of: image, stage: stage), let other = twins.result(of: key) {
                return (stage, other)
            }
        }
        return nil
    }

    /// Lets an image go on with what a twin has done, if there is such a twin and nobody works on the image.
    private mutating func takeOver(_ image: ImageID, at now: Instant) {
        guard jobs[image.job]?.head.state == .active, let row = jobs[image.job]?.images[image.index],
            row.isOpen, !row.leased, let (last, other) = furthest(of: image)
        else { return }
        let stages = Int(row.stage)..<last + 1
        let digests = stages.compactMap { jobs[other.job]?.evidence(image: other.index, stage: $0) }
        guard digests.count == stages.count else {
            // The store lost a row of the result.
            if let key = key(of: image, stage: last) { twins.lose(key) }
            return
        }
        for (stage, digest) in zip(stages, digests) {
            jobs[image.job]?.setEvidence(digest, image: image.index, stage: stage)
        }
        persist(.shared(SharedStages(image: image, other: other, stages: stages)))
        let isLast = view(of: TaskID(image: image, stage: last))?.isLast ?? false
        change(image) { row in
            row.stage = UInt8(last + 1)
            row.failures = 0
            row.losses = 0
            if isLast { row.state = .done }
        }
        finishIfDone(image.job, at: now)
    }
}

extension ImageRow {
    /// Stages whose blobs the image keeps on disk: all that it has done while it is open, then its picture's.
    fileprivate var heldStages: Range<Int> {
        switch state {
        case .waiting, .running: 0..<Int(stage)
        case .done: max(0, Int(stage) - 1)..<Int(stage)
        case .failed, .cancelled: 0..<0
        }
    }
}
