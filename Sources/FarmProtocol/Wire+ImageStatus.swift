import Farm

extension WireImage {
    init(_ image: ImageStatus) {
        self.init()
        index = UInt32(clamping: image.index)
        request = WireImageRequest(image.request)
        state = image.state.wire
        if let blob = image.picture { picture = blob.digest.data }
        if let hash = image.pixels { pixels = hash.data }
        stages = image.stages.map { record in
            var wire = WireStageRecord()
            wire.stage = record.stage.text
            wire.worker = record.worker.text
            wire.seconds = record.seconds
            wire.attempt = UInt32(clamping: record.attempt)
            return wire
        }
        if let text = image.error { error = Checks.clipped(text) }
        warnings = image.warnings.map(Checks.clipped)
    }

    func value() throws(CodecError) -> ImageStatus {
        ImageStatus(
            index: try Checks.number(index, "image.index", in: 0...Limits.imagesPerJob - 1),
            request: try request.value(), state: try ImageState(wire: state),
            picture: try Checks.optionalDigest(picture, "picture").map(BlobID.init),
            pixels: try Checks.optionalDigest(pixels, "pixels"),
            stages: try Checks.list(stages, "stages", limit: Limits.stagesPerModel) {
                record throws(CodecError) in
                StageRecord(
                    stage: StageName(try Checks.name(record.stage, "stage")),
                    worker: WorkerID(try Checks.name(record.worker, "worker")),
                    seconds: try Checks.seconds(record.seconds, "seconds"), attempt: Int(record.attempt))
            },
            error: hasError ? try Checks.text(error, "error") : nil,
            warnings: try Checks.list(
                warnings, "warnings", limit: Limits.warningsPerTask * Limits.stagesPerModel
            ) {
                text throws(CodecError) in try Checks.text(text, "warning")
            })
    }
}

extension ImageState {
    var wire: WireImageState {
        switch self {
        case .waiting: .waiting
        case .running: .running
        case .done: .done
        case .failed: .failed
        case .cancelled: .cancelled
        }
    }

    init(wire: WireImageState) throws(CodecError) {
        switch wire {
        case .waiting: self = .waiting
        case .running: self = .running
        case .done: self = .done
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        case .unknown, .UNRECOGNIZED: throw .badField("state")
        }
    }
}
