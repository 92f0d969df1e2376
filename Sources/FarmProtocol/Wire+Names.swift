import Farm

extension WireLease {
    init(_ lease: LeaseID) {
        self.init()
        job = lease.task.image.job.number
        image = UInt32(clamping: lease.task.image.index)
        stage = UInt32(clamping: lease.task.stage)
        attempt = UInt32(clamping: lease.attempt)
    }

    func value() throws(CodecError) -> LeaseID {
        LeaseID(
            task: TaskID(
                image: ImageID(
                    job: try JobID(wire: job),
                    index: try Checks.number(image, "lease.image", in: 0...Limits.imagesPerJob - 1)),
                stage: try Checks.number(stage, "lease.stage", in: 0...Limits.stagesPerModel - 1)),
            attempt: try Checks.number(attempt, "lease.attempt", in: 1...Int(UInt16.max)))
    }
}

extension JobID {
    init(wire number: Int64) throws(CodecError) {
        guard number >= 1 else { throw .badField("job") }
        self.init(number)
    }
}

extension WireModelKey {
    init(_ key: ModelKey) {
        self.init()
        name = key.name
        hash = key.hash.data
    }

    func value() throws(CodecError) -> ModelKey {
        ModelKey(name: try Checks.name(name, "model.name"), hash: try Checks.digest(hash, "model.hash"))
    }
}

extension WireStageKey {
    init(_ key: StageKey) {
        self.init()
        model = WireModelKey(key.model)
        stage = key.stage.text
    }

    func value() throws(CodecError) -> StageKey {
        StageKey(model: try model.value(), stage: StageName(try Checks.name(stage, "stage")))
    }
}

extension WireModel {
    init(_ model: ModelAnnouncement) {
        self.init()
        key = WireModelKey(model.key)
        version = model.version
        stages = model.stages.map(WireStage.init)
    }

    func value() throws(CodecError) -> ModelAnnouncement {
        guard hasKey, !stages.isEmpty else { throw .badField("model") }
        return ModelAnnouncement(
            key: try key.value(), version: try Checks.name(version, "model.version", canBeEmpty: true),
            stages: try Checks.list(stages, "model.stages", limit: Limits.stagesPerModel) {
                stage throws(CodecError) in
                try stage.value()
            })
    }
}

extension WireStage {
    init(_ stage: AnnouncedStage) {
        self.init()
        name = stage.name.text
        steps = UInt32(clamping: stage.steps)
        if let value = stage.guidance { guidance = value }
        if let value = stage.size { size = UInt32(clamping: value) }
    }

    func value() throws(CodecError) -> AnnouncedStage {
        guard !hasGuidance || guidance.isFinite else { throw .badField("stage.guidance") }
        return AnnouncedStage(
            name: StageName(try Checks.name(name, "stage.name")),
            steps: try Checks.number(steps, "stage.steps", in: 1...1_000_000),
            guidance: hasGuidance ? guidance : nil,
            size: hasSize ? try Checks.number(size, "stage.size", in: 1...65_536) : nil)
    }
}

extension WireImageRequest {
    init(_ image: ImageRequest) {
        self.init()
        prompt = image.prompt
        seed = image.seed
        options.size = UInt32(clamping: image.options.size)
        options.steps = image.options.steps.map { change in
            var wire = WireStepOverride()
            wire.stage = change.stage.text
            wire.steps = UInt32(clamping: change.steps)
            return wire
        }
        if let guidance = image.options.guidance { options.guidance = guidance }
        options.precision = image.options.precision == .fast ? .fast : .exact
    }

    func value() throws(CodecError) -> ImageRequest {
        ImageRequest(
            prompt: try Checks.text(prompt, "prompt", limit: Limits.promptBytes), seed: seed,
            options: try options.value())
    }
}

extension WireOptions {
    func value() throws(CodecError) -> RenderOptions {
        guard !hasGuidance || guidance.isFinite else { throw .badField("guidance") }
        let overrides = try Checks.list(steps, "steps", limit: Limits.stagesPerModel) {
            change throws(CodecError) in
            StepOverride(
                stage: StageName(try Checks.name(change.stage, "steps.stage")),
                steps: try Checks.number(change.steps, "steps.steps", in: 1...10_000))
        }
        guard Set(overrides.map(\.stage)).count == overrides.count else { throw .badField("steps") }
        let exactness: RenderPrecision
        switch precision {
        case .exact: exactness = .exact
        case .fast: exactness = .fast
        case .UNRECOGNIZED: throw .badField("precision")
        }
        return RenderOptions(
            size: try Checks.number(size, "size", in: 1...65_536), steps: overrides,
            guidance: hasGuidance ? guidance : nil, precision: exactness)
    }
}

extension WireSubmissionId {
    init(_ id: SubmissionID) {
        self.init()
        high = id.high
        low = id.low
    }

    var value: SubmissionID { SubmissionID(high: high, low: low) }
}

extension TaskPhase {
    init(wire: WirePhase) throws(CodecError) {
        switch wire {
        case .loading: self = .loading
        case .stepping: self = .stepping
        case .uploading: self = .uploading
        case .unknown, .UNRECOGNIZED: throw .badField("phase")
        }
    }

    var wire: WirePhase {
        switch self {
        case .loading: .loading
        case .stepping: .stepping
        case .uploading: .uploading
        }
    }
}
