import Farm

extension WorkerOrder {
    var wire: WireBody {
        switch self {
        case .welcome(let welcome): .welcome(WireWelcome(welcome))
        case .helloAgain: .helloAgain(WireEmpty())
        case .heartbeat: .coordinatorHeartbeat(WireEmpty())
        case .assign(let assignment): .assign(WireAssignment(assignment))
        case .revoke(let lease): .revoke(WireLease(lease))
        case .acknowledged(let lease, let verdict): .acknowledged(WireAcknowledged(lease, verdict))
        case .refused(let text): .refused(Checks.clipped(text))
        case .goodbye: .coordinatorGoodbye(WireEmpty())
        }
    }

    /// Nil when the body is not an order to a worker.
    init?(_ body: WireBody) throws(CodecError) {
        switch body {
        case .welcome(let welcome): self = .welcome(try welcome.value())
        case .helloAgain: self = .helloAgain
        case .coordinatorHeartbeat: self = .heartbeat
        case .assign(let assignment): self = .assign(try assignment.value())
        case .revoke(let lease): self = .revoke(try lease.value())
        case .acknowledged(let answer): self = .acknowledged(try answer.lease.value(), try answer.value())
        case .refused(let text): self = .refused(try Checks.text(text, "refused"))
        case .coordinatorGoodbye: self = .goodbye
        default: return nil
        }
    }
}

extension WireWelcome {
    init(_ welcome: Welcome) {
        self.init()
        protocolVersion = UInt32(clamping: welcome.protocolVersion)
        blobPort = UInt32(clamping: welcome.blobPort)
        heartbeatMilliseconds = UInt32(clamping: welcome.heartbeatMilliseconds)
        graceMilliseconds = UInt32(clamping: welcome.graceMilliseconds)
        farm = welcome.farm.number
        kept = welcome.kept.map(WireLease.init)
    }

    func value() throws(CodecError) -> Welcome {
        Welcome(
            protocolVersion: Int(protocolVersion),
            blobPort: try Checks.number(blobPort, "blob_port", in: 1...65_535),
            heartbeatMilliseconds: Int64(
                try Checks.number(heartbeatMilliseconds, "heartbeat_milliseconds", in: 1...3_600_000)),
            graceMilliseconds: Int64(
                try Checks.number(graceMilliseconds, "grace_milliseconds", in: 1...86_400_000)),
            farm: try Checks.farm(farm),
            kept: try Checks.list(kept, "kept", limit: Limits.leasesPerHello) { lease throws(CodecError) in
                try lease.value()
            })
    }
}

extension WireAssignment {
    init(_ assignment: Assignment) {
        self.init()
        lease = WireLease(assignment.lease)
        model = WireModelKey(assignment.model)
        stage = assignment.stage.text
        request = WireImageRequest(assignment.request)
        if let blob = assignment.input { input = blob.digest.data }
        isLast = assignment.isLast
        leaseMilliseconds = UInt32(clamping: assignment.leaseMilliseconds)
    }

    func value() throws(CodecError) -> Assignment {
        Assignment(
            lease: try lease.value(), model: try model.value(),
            stage: StageName(try Checks.name(stage, "stage")),
            request: try request.value(), input: try Checks.optionalDigest(input, "input").map(BlobID.init),
            isLast: isLast, leaseMilliseconds: Int64(leaseMilliseconds))
    }
}

extension WireAcknowledged {
    init(_ lease: LeaseID, _ verdict: Verdict) {
        self.init()
        self.lease = WireLease(lease)
        self.verdict = verdict.wire
    }

    func value() throws(CodecError) -> Verdict { try Verdict(wire: verdict) }
}
