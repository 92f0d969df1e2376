import Farm

extension WorkerReport {
    var wire: WireBody {
        switch self {
        case .hello(let hello): .hello(WireHello(hello))
        case .heartbeat: .heartbeat(WireEmpty())
        case .progress(let progress): .progress(WireProgress(progress))
        case .completed(let result): .completed(WireCompleted(result))
        case .failed(let failure): .failed(WireFailed(failure))
        case .goodbye: .goodbye(WireEmpty())
        }
    }

    /// Nil when the body is not a worker's report.
    init?(_ body: WireBody) throws(CodecError) {
        switch body {
        case .hello(let hello): self = .hello(try hello.value())
        case .heartbeat: self = .heartbeat
        case .progress(let progress): self = .progress(try progress.value())
        case .completed(let result): self = .completed(try result.value())
        case .failed(let failure): self = .failed(try failure.value())
        case .goodbye: self = .goodbye
        default: return nil
        }
    }
}

extension WireHello {
    init(_ hello: WorkerHello) {
        self.init()
        worker = hello.session.worker.text
        nonce = hello.session.nonce
        oldestProtocol = UInt32(clamping: hello.oldestProtocol)
        newestProtocol = UInt32(clamping: hello.newestProtocol)
        build = hello.build
        host = hello.host
        cpu = hello.cpu
        threads = UInt32(clamping: hello.threads)
        slots = UInt32(clamping: hello.slots)
        tags = hello.tags
        models = hello.models.map(WireModel.init)
        unserved = hello.unserved.map(WireStageKey.init)
        running = hello.running.map(WireLease.init)
    }

    func value() throws(CodecError) -> WorkerHello {
        WorkerHello(
            session: WorkerSession(worker: WorkerID(try Checks.name(worker, "worker")), nonce: nonce),
            oldestProtocol: Int(oldestProtocol), newestProtocol: Int(newestProtocol),
            build: try Checks.name(build, "build", canBeEmpty: true),
            host: try Checks.name(host, "host", canBeEmpty: true),
            cpu: try Checks.name(cpu, "cpu", canBeEmpty: true),
            threads: try Checks.number(threads, "threads", in: 0...65_536),
            slots: try Checks.number(slots, "slots", in: 1...Limits.slotsPerWorker),
            tags: try Checks.list(tags, "tags", limit: Limits.tagsPerWorker) { tag throws(CodecError) in
                try Checks.name(tag, "tag")
            },
            models: try Checks.list(models, "models", limit: Limits.modelsPerWorker) {
                model throws(CodecError) in
                try model.value()
            },
            unserved: try Checks.list(
                unserved, "unserved", limit: Limits.modelsPerWorker * Limits.stagesPerModel
            ) { key throws(CodecError) in
                try key.value()
            },
            running: try Checks.list(running, "running", limit: Limits.leasesPerHello) {
                lease throws(CodecError) in
                try lease.value()
            })
    }
}

extension WireProgress {
    init(_ progress: TaskProgress) {
        self.init()
        lease = WireLease(progress.lease)
        phase = progress.phase.wire
        step = UInt32(clamping: progress.step)
        steps = UInt32(clamping: progress.steps)
    }

    func value() throws(CodecError) -> TaskProgress {
        TaskProgress(
            lease: try lease.value(), phase: try TaskPhase(wire: phase),
            step: try Checks.number(step, "step", in: 0...1_000_000),
            steps: try Checks.number(steps, "steps", in: 0...1_000_000))
    }
}

extension WireCompleted {
    init(_ result: TaskResult) {
        self.init()
        lease = WireLease(result.lease)
        blob = result.blob.digest.data
        if let hash = result.pixels { pixels = hash.data }
        seconds = result.seconds
        loadSeconds = result.loadSeconds
        warnings = result.warnings.map(Checks.clipped)
    }

    func value() throws(CodecError) -> TaskResult {
        TaskResult(
            lease: try lease.value(), blob: BlobID(try Checks.digest(blob, "blob")),
            pixels: try Checks.optionalDigest(pixels, "pixels"),
            seconds: try Checks.seconds(seconds, "seconds"),
            loadSeconds: try Checks.seconds(loadSeconds, "load_seconds"),
            warnings: try Checks.list(warnings, "warnings", limit: Limits.warningsPerTask) {
                text throws(CodecError) in
                try Checks.text(text, "warning")
            })
    }
}

extension WireFailed {
    init(_ failure: TaskFailure) {
        self.init()
        lease = WireLease(failure.lease)
        switch failure.kind {
        case .application: kind = .application
        case .inputMissing: kind = .inputMissing
        case .declined: kind = .declined
        }
        message = Checks.clipped(failure.message)
    }

    func value() throws(CodecError) -> TaskFailure {
        let reason: FailureKind
        switch kind {
        case .application: reason = .application
        case .inputMissing: reason = .inputMissing
        case .declined: reason = .declined
        case .unknown, .UNRECOGNIZED: throw .badField("kind")
        }
        return TaskFailure(
            lease: try lease.value(), kind: reason, message: try Checks.text(message, "message"))
    }
}
