import Farm

extension ClientReply {
    var wire: WireBody {
        switch self {
        case .welcome(let server): return .server(WireServer(server))
        case .submission(let state): return .submission(WireSubmissionState(state))
        case .jobs(let list):
            var wire = WireJobs()
            wire.jobs = list.map(WireJob.init)
            return .jobs(wire)
        case .status(let job): return .status(WireJob(job))
        case .workers(let list):
            var wire = WireWorkers()
            wire.workers = list.map(WireWorker.init)
            return .workers(wire)
        case .images(let list):
            var wire = WireImages()
            wire.images = list.map(WireImage.init)
            return .images(wire)
        case .refused(let refusal):
            var wire = WireRefusal()
            wire.code = refusal.code.wire
            wire.message = Checks.clipped(refusal.message)
            return .refusal(wire)
        }
    }

    /// Nil when the body is not a reply to a client.
    init?(_ body: WireBody) throws(CodecError) {
        switch body {
        case .server(let server): self = .welcome(try server.value())
        case .submission(let state):
            self = .submission(
                SubmissionState(
                    id: state.id.value, received: Int(state.received),
                    job: state.hasJob ? try JobID(wire: state.job) : nil))
        case .jobs(let wire):
            self = .jobs(
                try Checks.list(wire.jobs, "jobs", limit: Limits.rowsPerPage) { job throws(CodecError) in
                    try job.value()
                })
        case .status(let job): self = .status(try job.value())
        case .workers(let wire):
            self = .workers(
                try Checks.list(wire.workers, "workers", limit: Limits.workers) { worker throws(CodecError) in
                    try worker.value()
                })
        case .images(let wire):
            self = .images(
                try Checks.list(wire.images, "images", limit: Limits.rowsPerPage) {
                    image throws(CodecError) in
                    try image.value()
                })
        case .refusal(let wire):
            self = .refused(
                Refusal(try RefusalCode(wire: wire.code), try Checks.text(wire.message, "message")))
        default: return nil
        }
    }
}

extension WireSubmissionState {
    init(_ state: SubmissionState) {
        self.init()
        id = WireSubmissionId(state.id)
        received = UInt32(clamping: state.received)
        if let number = state.job { job = number.number }
    }
}

extension WireServer {
    init(_ server: ServerDescription) {
        self.init()
        protocolVersion = UInt32(clamping: server.protocolVersion)
        build = server.build
        blobPort = UInt32(clamping: server.blobPort)
        farm = server.farm.number
        models = server.models.map(WireModel.init)
        if let text = server.trouble { trouble = Checks.clipped(text) }
    }

    func value() throws(CodecError) -> ServerDescription {
        ServerDescription(
            protocolVersion: Int(protocolVersion), build: try Checks.name(build, "build", canBeEmpty: true),
            blobPort: try Checks.number(blobPort, "blob_port", in: 1...65_535),
            farm: try Checks.farm(farm),
            models: try Checks.list(models, "models", limit: Limits.rowsPerPage) { model throws(CodecError) in
                try model.value()
            },
            trouble: hasTrouble ? try Checks.text(trouble, "trouble") : nil)
    }
}

extension WireRunningTask {
    init(_ task: RunningTask) {
        self.init()
        lease = WireLease(task.lease)
        stage = task.stage.text
        phase = task.phase.wire
        step = UInt32(clamping: task.step)
        steps = UInt32(clamping: task.steps)
    }

    func value() throws(CodecError) -> RunningTask {
        RunningTask(
            lease: try lease.value(), stage: StageName(try Checks.name(stage, "stage")),
            phase: try TaskPhase(wire: phase), step: Int(step), steps: Int(steps))
    }
}

extension WireWorker {
    init(_ worker: WorkerStatus) {
        self.init()
        id = worker.id.text
        host = worker.host
        build = worker.build
        cpu = worker.cpu
        threads = UInt32(clamping: worker.threads)
        tags = worker.tags
        connected = worker.connected
        silentMilliseconds = UInt64(clamping: worker.silentMilliseconds)
        models = worker.models.map(WireModelKey.init)
        running = worker.running.map(WireRunningTask.init)
        completed = UInt64(clamping: worker.completed)
        failed = UInt64(clamping: worker.failed)
        excluded = worker.excluded.prefix(Limits.rowsPerPage).map(Checks.clipped)
    }

    func value() throws(CodecError) -> WorkerStatus {
        WorkerStatus(
            id: WorkerID(try Checks.name(id, "worker")),
            host: try Checks.name(host, "host", canBeEmpty: true),
            build: try Checks.name(build, "build", canBeEmpty: true),
            cpu: try Checks.name(cpu, "cpu", canBeEmpty: true), threads: Int(threads),
            tags: try Checks.list(tags, "tags", limit: Limits.tagsPerWorker) { tag throws(CodecError) in
                try Checks.name(tag, "tag")
            },
            connected: connected, silentMilliseconds: Int64(clamping: silentMilliseconds),
            models: try Checks.list(models, "models", limit: Limits.modelsPerWorker) {
                model throws(CodecError) in
                try model.value()
            },
            running: try Checks.list(running, "running", limit: Limits.slotsPerWorker * 2) {
                task throws(CodecError) in try task.value()
            },
            completed: Int(clamping: completed), failed: Int(clamping: failed),
            excluded: try Checks.list(excluded, "excluded", limit: Limits.rowsPerPage) {
                text throws(CodecError) in
                try Checks.text(text, "excluded")
            })
    }
}

extension RefusalCode {
    var wire: WireRefusalCode {
        switch self {
        case .notFound: .notFound
        case .invalid: .invalid
        case .limit: .limit
        case .conflict: .conflict
        case .unavailable: .unavailable
        }
    }

    init(wire: WireRefusalCode) throws(CodecError) {
        switch wire {
        case .notFound: self = .notFound
        case .invalid: self = .invalid
        case .limit: self = .limit
        case .conflict: self = .conflict
        case .unavailable: self = .unavailable
        case .unknown, .UNRECOGNIZED: throw .badField("code")
        }
    }
}
