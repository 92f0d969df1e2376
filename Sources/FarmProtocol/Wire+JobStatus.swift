import Farm

extension WireJob {
    init(_ job: JobStatus) {
        self.init()
        id = job.id.number
        name = job.name
        owner = job.owner
        priority = Int32(clamping: job.priority)
        state = job.state.wire
        model = job.model
        if let key = job.modelKey { modelKey = WireModelKey(key) }
        images = WireImageCounts(job.images)
        tasks = WireTaskCounts(job.tasks)
        waiting = job.waiting.map { reason in
            var wire = WireWaitReason()
            wire.count = UInt32(clamping: reason.count)
            wire.text = Checks.clipped(reason.text)
            return wire
        }
        if let seconds = job.secondsLeft { secondsLeft = seconds }
        submitted = job.submitted.milliseconds
        if let instant = job.finished { finished = instant.milliseconds }
        alarms = UInt32(clamping: job.alarms)
        revision = job.revision
    }

    func value() throws(CodecError) -> JobStatus {
        JobStatus(
            id: try JobID(wire: id), name: try Checks.name(name, "name", canBeEmpty: true),
            owner: try Checks.name(owner, "owner", canBeEmpty: true), priority: Int(priority),
            state: try JobState(wire: state),
            model: try Checks.text(model, "model", limit: Limits.nameBytes + 65),
            modelKey: hasModelKey ? try modelKey.value() : nil, images: images.value, tasks: tasks.value,
            waiting: try Checks.list(waiting, "waiting", limit: Limits.rowsPerPage) {
                reason throws(CodecError) in
                WaitReason(count: Int(reason.count), text: try Checks.text(reason.text, "waiting"))
            },
            secondsLeft: hasSecondsLeft ? try Checks.seconds(secondsLeft, "seconds_left") : nil,
            submitted: Instant(milliseconds: submitted),
            finished: hasFinished ? Instant(milliseconds: finished) : nil, alarms: Int(alarms),
            revision: revision)
    }
}

extension WireImageCounts {
    init(_ counts: ImageCounts) {
        self.init()
        waiting = UInt32(clamping: counts.waiting)
        running = UInt32(clamping: counts.running)
        done = UInt32(clamping: counts.done)
        failed = UInt32(clamping: counts.failed)
        cancelled = UInt32(clamping: counts.cancelled)
    }

    var value: ImageCounts {
        var counts = ImageCounts()
        counts.waiting = Int(waiting)
        counts.running = Int(running)
        counts.done = Int(done)
        counts.failed = Int(failed)
        counts.cancelled = Int(cancelled)
        return counts
    }
}

extension WireTaskCounts {
    init(_ counts: TaskCounts) {
        self.init()
        blocked = UInt32(clamping: counts.blocked)
        ready = UInt32(clamping: counts.ready)
        leased = UInt32(clamping: counts.leased)
        done = UInt32(clamping: counts.done)
        dropped = UInt32(clamping: counts.dropped)
    }

    var value: TaskCounts {
        var counts = TaskCounts()
        counts.blocked = Int(blocked)
        counts.ready = Int(ready)
        counts.leased = Int(leased)
        counts.done = Int(done)
        counts.dropped = Int(dropped)
        return counts
    }
}

extension JobState {
    var wire: WireJobState {
        switch self {
        case .draft: .draft
        case .active: .active
        case .paused: .paused
        case .finished: .finished
        case .cancelled: .cancelled
        }
    }

    init(wire: WireJobState) throws(CodecError) {
        switch wire {
        case .draft: self = .draft
        case .active: self = .active
        case .paused: self = .paused
        case .finished: self = .finished
        case .cancelled: self = .cancelled
        case .unknown, .UNRECOGNIZED: throw .badField("state")
        }
    }
}
