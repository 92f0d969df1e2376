import Farm

/// The messages of which a busy farm sends thousands a second, read and written without the generated code,
/// whose tables and boxes cost more than all the rest of a task. Both ways give the same bytes and the same
/// values; what is not plainly one of these messages is left to the generated code, and so is every
/// complaint.
extension FarmCodec {
    /// Numbers in the envelope, as in farm.proto.
    private enum Field {
        static let version = 1
        static let heartbeat = 11
        static let progress = 12
        static let completed = 13
        static let coordinatorHeartbeat = 22
        static let assign = 23
        static let acknowledged = 25
    }

    /// The message as bytes; nil when the generated code has to write it.
    static func encodeHot(_ message: FarmMessage) -> [UInt8]? {
        var writer = WireWriter(capacity: 192)
        writer.number(Field.version, UInt64(envelopeVersion))
        switch message {
        case .report(.heartbeat): writer.message(Field.heartbeat) { _ in }
        case .report(.progress(let progress)): writer.message(Field.progress) { $0.add(progress) }
        case .report(.completed(let result)) where result.warnings.isEmpty:
            writer.message(Field.completed) { $0.add(result) }
        case .order(.heartbeat): writer.message(Field.coordinatorHeartbeat) { _ in }
        case .order(.assign(let assignment)) where assignment.request.options.steps.isEmpty:
            writer.message(Field.assign) { $0.add(assignment) }
        case .order(.acknowledged(let lease, let verdict)):
            writer.message(Field.acknowledged) { $0.add(lease, verdict) }
        default: return nil
        }
        return writer.bytes
    }

    /// The message that `envelope` is about to read; nil when the generated code has to look.
    static func decodeHot(_ envelope: WireReader) -> FarmMessage? {
        var envelope = envelope
        guard envelope.number(Field.version) == UInt64(envelopeVersion) else { return nil }
        guard let message = hotBody(&envelope), envelope.isAtEnd else { return nil }
        return message
    }

    private static func hotBody(_ envelope: inout WireReader) -> FarmMessage? {
        if let body = envelope.message(Field.heartbeat) { return body.isAtEnd ? .report(.heartbeat) : nil }
        if var body = envelope.message(Field.progress) {
            return TaskProgress(&body).map { .report(.progress($0)) }
        }
        if var body = envelope.message(Field.completed) {
            return TaskResult(&body).map { .report(.completed($0)) }
        }
        if let body = envelope.message(Field.coordinatorHeartbeat) {
            return body.isAtEnd ? .order(.heartbeat) : nil
        }
        if var body = envelope.message(Field.assign) { return Assignment(&body).map { .order(.assign($0)) } }
        if var body = envelope.message(Field.acknowledged) {
            guard let lease = LeaseID(in: &body), let verdict = Verdict(&body) else { return nil }
            return .order(.acknowledged(lease, verdict))
        }
        return nil
    }
}

extension WireWriter {
    fileprivate mutating func add(_ lease: LeaseID) {
        message(1) { inner in
            inner.number(1, UInt64(bitPattern: lease.task.image.job.number))
            inner.number(2, UInt64(UInt32(clamping: lease.task.image.index)))
            inner.number(3, UInt64(UInt32(clamping: lease.task.stage)))
            inner.number(4, UInt64(UInt32(clamping: lease.attempt)))
        }
    }

    fileprivate mutating func add(_ progress: TaskProgress) {
        add(progress.lease)
        number(2, UInt64(progress.phase.wire.rawValue))
        number(3, UInt64(UInt32(clamping: progress.step)))
        number(4, UInt64(UInt32(clamping: progress.steps)))
    }

    fileprivate mutating func add(_ result: TaskResult) {
        add(result.lease)
        digest(2, result.blob.digest)
        digest(3, result.pixels)
        double(4, result.seconds)
        double(5, result.loadSeconds)
    }

    fileprivate mutating func add(_ lease: LeaseID, _ verdict: Verdict) {
        add(lease)
        number(2, UInt64(verdict.wire.rawValue))
    }

    fileprivate mutating func add(_ assignment: Assignment) {
        add(assignment.lease)
        message(2) { model in
            model.text(1, assignment.model.name)
            model.digest(2, assignment.model.hash)
        }
        text(3, assignment.stage.text)
        message(4) { request in
            request.text(1, assignment.request.prompt)
            request.fixed(2, assignment.request.seed)
            request.message(3) { options in
                options.number(1, UInt64(UInt32(clamping: assignment.request.options.size)))
                if let guidance = assignment.request.options.guidance { options.present(3, guidance) }
                options.number(4, assignment.request.options.precision == .fast ? 1 : 0)
            }
        }
        digest(5, assignment.input?.digest)
        number(6, assignment.isLast ? 1 : 0)
        number(7, UInt64(UInt32(clamping: assignment.leaseMilliseconds)))
    }
}

extension LeaseID {
    fileprivate init?(in body: inout WireReader) {
        guard var inner = body.message(1) else { return nil }
        var wire = WireLease()
        guard let job = inner.number(1), let image = inner.small(2), let stage = inner.small(3),
            let attempt = inner.small(4), inner.isAtEnd
        else { return nil }
        wire.job = Int64(bitPattern: job)
        wire.image = image
        wire.stage = stage
        wire.attempt = attempt
        guard let lease = try? wire.value() else { return nil }
        self = lease
    }
}

extension TaskProgress {
    fileprivate init?(_ body: inout WireReader) {
        guard let lease = LeaseID(in: &body), let number = body.small(2),
            let wire = WirePhase(rawValue: Int(number)), let phase = try? TaskPhase(wire: wire),
            let step = body.small(3), let steps = body.small(4), body.isAtEnd,
            step <= 1_000_000, steps <= 1_000_000
        else { return nil }
        self.init(lease: lease, phase: phase, step: Int(step), steps: Int(steps))
    }
}

extension TaskResult {
    fileprivate init?(_ body: inout WireReader) {
        guard let lease = LeaseID(in: &body), let blob = body.digest(2) else { return nil }
        let pixels = body.digest(3)
        guard let seconds = body.double(4).flatMap({ try? Checks.seconds($0, "seconds") }),
            let loadSeconds = body.double(5).flatMap({ try? Checks.seconds($0, "load_seconds") }),
            body.isAtEnd
        else { return nil }
        self.init(
            lease: lease, blob: BlobID(blob), pixels: pixels, seconds: seconds, loadSeconds: loadSeconds)
    }
}

extension Assignment {
    fileprivate init?(_ body: inout WireReader) {
        guard let lease = LeaseID(in: &body), var model = body.message(2),
            let name = model.text(1).flatMap({ try? Checks.name($0, "model.name") }),
            let hash = model.digest(2), model.isAtEnd,
            let stage = body.text(3).flatMap({ try? Checks.name($0, "stage") }),
            let request = body.message(4).flatMap({ ImageRequest($0) })
        else { return nil }
        let input = body.digest(5)
        guard let isLast = body.small(6), isLast <= 1, let milliseconds = body.small(7), body.isAtEnd else {
            return nil
        }
        self.init(
            lease: lease, model: ModelKey(name: name, hash: hash), stage: StageName(stage), request: request,
            input: input.map(BlobID.init), isLast: isLast == 1, leaseMilliseconds: Int64(milliseconds))
    }
}

extension ImageRequest {
    fileprivate init?(_ body: WireReader) {
        var body = body
        guard
            let prompt = body.text(1).flatMap({ try? Checks.text($0, "prompt", limit: Limits.promptBytes) }),
            let seed = body.fixed(2), var inner = body.message(3), body.isAtEnd,
            let size = inner.small(1)
        else { return nil }
        var options = WireOptions()
        options.size = size
        if inner.has(3, .fixed64) {
            guard let guidance = inner.eightBytes() else { return nil }
            options.guidance = Double(bitPattern: guidance)
        }
        guard let precision = inner.small(4).flatMap({ WirePrecision(rawValue: Int($0)) }), inner.isAtEnd
        else {
            return nil
        }
        options.precision = precision
        guard let value = try? options.value() else { return nil }
        self.init(prompt: prompt, seed: seed, options: value)
    }
}

extension Verdict {
    var wire: WireVerdict {
        switch self {
        case .committed: .committed
        case .duplicate: .duplicate
        case .fenced: .fenced
        case .blobMissing: .blobMissing
        }
    }

    init(wire: WireVerdict) throws(CodecError) {
        switch wire {
        case .committed: self = .committed
        case .duplicate: self = .duplicate
        case .fenced: self = .fenced
        case .blobMissing: self = .blobMissing
        case .unknown, .UNRECOGNIZED: throw .badField("verdict")
        }
    }

    fileprivate init?(_ body: inout WireReader) {
        guard let number = body.small(2), let wire = WireVerdict(rawValue: Int(number)), body.isAtEnd,
            let verdict = try? Verdict(wire: wire)
        else { return nil }
        self = verdict
    }
}
