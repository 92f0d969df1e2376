import Farm

extension ClientRequest {
    var wire: WireBody {
        switch self {
        case .hello: return .clientHello(WireEmpty())
        case .submit(let submission): return .submit(WireSubmission(submission))
        case .submitImages(let id, let first, let images):
            var wire = WireSubmitImages()
            wire.id = WireSubmissionId(id)
            wire.first = UInt32(clamping: first)
            wire.images = images.map(WireImageRequest.init)
            return .submitImages(wire)
        case .submitEnd(let id): return .submitEnd(WireSubmissionId(id))
        case .jobs(let before, let limit):
            var wire = WireJobsRequest()
            if let job = before { wire.before = job.number }
            wire.limit = UInt32(clamping: limit)
            return .jobsRequest(wire)
        case .status(let job, let revision, let waitMilliseconds):
            var wire = WireStatusRequest()
            wire.job = job.number
            if let known = revision { wire.revision = known }
            wire.waitMilliseconds = UInt32(clamping: waitMilliseconds)
            return .statusRequest(wire)
        case .workers: return .workersRequest(WireEmpty())
        case .control(let job, let action):
            var wire = WireControl()
            wire.job = job.number
            wire.action = action.wire
            return .control(wire)
        case .images(let job, let from, let limit, let failedOnly):
            var wire = WireImagesRequest()
            wire.job = job.number
            wire.from = UInt32(clamping: from)
            wire.limit = UInt32(clamping: limit)
            wire.failedOnly = failedOnly
            return .imagesRequest(wire)
        }
    }

    /// Nil when the body is not a client's request.
    init?(_ body: WireBody) throws(CodecError) {
        switch body {
        case .clientHello: self = .hello
        case .submit(let submission): self = .submit(try submission.value())
        case .submitImages(let wire):
            guard !wire.images.isEmpty else { throw .badField("images") }
            self = .submitImages(
                wire.id.value, first: try Checks.number(wire.first, "first", in: 0...Limits.imagesPerJob),
                images: try Checks.list(wire.images, "images", limit: Limits.imagesPerChunk) {
                    image throws(CodecError) in try image.value()
                })
        case .submitEnd(let id): self = .submitEnd(id.value)
        case .jobsRequest(let wire):
            self = .jobs(
                before: wire.hasBefore ? try JobID(wire: wire.before) : nil,
                limit: try Checks.number(wire.limit, "limit", in: 1...Limits.rowsPerPage))
        case .statusRequest(let wire):
            let wait = try Checks.number(
                wire.waitMilliseconds, "wait_milliseconds", in: 0...Int(Limits.statusWaitMilliseconds))
            self = .status(
                try JobID(wire: wire.job), revision: wire.hasRevision ? wire.revision : nil,
                waitMilliseconds: Int64(wait))
        case .workersRequest: self = .workers
        case .control(let wire): self = .control(try JobID(wire: wire.job), try JobAction(wire: wire.action))
        case .imagesRequest(let wire):
            self = .images(
                try JobID(wire: wire.job),
                from: try Checks.number(wire.from, "from", in: 0...Limits.imagesPerJob),
                limit: try Checks.number(wire.limit, "limit", in: 1...Limits.rowsPerPage),
                failedOnly: wire.failedOnly)
        default: return nil
        }
    }
}

extension WireSubmission {
    init(_ submission: Submission) {
        self.init()
        id = WireSubmissionId(submission.id)
        name = submission.name
        owner = submission.owner
        priority = Int32(clamping: submission.priority)
        model = submission.model
        count = UInt32(clamping: submission.count)
    }

    func value() throws(CodecError) -> Submission {
        Submission(
            id: id.value, name: try Checks.name(name, "name", canBeEmpty: true),
            owner: try Checks.name(owner, "owner", canBeEmpty: true),
            priority: try Checks.number(priority, "priority", in: -1000...1000),
            model: try Checks.text(model, "model", limit: Limits.nameBytes + 65), count: Int(count))
    }
}

extension JobAction {
    var wire: WireJobAction {
        switch self {
        case .cancel: .cancel
        case .pause: .pause
        case .resume: .resume
        case .retry: .retry
        }
    }

    init(wire: WireJobAction) throws(CodecError) {
        switch wire {
        case .cancel: self = .cancel
        case .pause: self = .pause
        case .resume: self = .resume
        case .retry: self = .retry
        case .unknown, .UNRECOGNIZED: throw .badField("action")
        }
    }
}
