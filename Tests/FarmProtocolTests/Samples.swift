import Farm

/// One message of every kind, and messages just out of bounds.
enum Samples {
    static let digest = Digest(bytes: (0..<32).map { UInt8($0) }) ?? .zero
    static let blob = BlobID(digest)
    static let key = ModelKey(name: "emoji", hash: digest)
    static let lease = LeaseID(task: TaskID(image: ImageID(job: JobID(7), index: 12), stage: 2), attempt: 3)
    static let submission = SubmissionID(high: 1, low: .max)
    static let model = ModelAnnouncement(
        key: key, version: "0",
        stages: [
            AnnouncedStage(name: StageName("prior"), steps: 25, guidance: 4, size: nil),
            AnnouncedStage(name: StageName("up256"), steps: 7, guidance: nil, size: 256),
        ])
    static let request = ImageRequest(
        prompt: "一只猫 🐈", seed: .max,
        options: RenderOptions(
            size: 1024, steps: [StepOverride(stage: StageName("prior"), steps: 3)], guidance: 2.5,
            precision: .fast))
    static let plain = ImageRequest(prompt: "", seed: 0, options: RenderOptions(size: 64))
    static let session = WorkerSession(worker: WorkerID("box-1"), nonce: 0xdead_beef_0000_0001)
    static let hello = WorkerHello(
        session: session, oldestProtocol: 1, newestProtocol: 1, build: "0.1", host: "box", cpu: "avx512",
        threads: 2,
        slots: 1, tags: ["a"], models: [model],
        unserved: [StageKey(model: key, stage: StageName("prior"))], running: [lease])
    static let assignment = Assignment(
        lease: lease, model: key, stage: StageName("prior"), request: request, input: blob, isLast: true,
        leaseMilliseconds: 60_000)

    static var messages: [FarmMessage] { reports + orders + requests + replies + blobs }

    static let reports: [FarmMessage] = [
        .report(.hello(hello)), .report(.heartbeat), .report(.goodbye),
        .report(.progress(TaskProgress(lease: lease, phase: .stepping, step: 3, steps: 25))),
        .report(
            .completed(
                TaskResult(
                    lease: lease, blob: blob, pixels: digest, seconds: 1.5, loadSeconds: 0.25,
                    warnings: ["cut"]))),
        .report(.completed(TaskResult(lease: lease, blob: blob, pixels: nil, seconds: 0))),
        .report(.failed(TaskFailure(lease: lease, kind: .inputMissing, message: "gone"))),
    ]

    static let orders: [FarmMessage] = [
        .order(
            .welcome(
                Welcome(
                    protocolVersion: 1, blobPort: 7421, heartbeatMilliseconds: 1000,
                    graceMilliseconds: 10_000, farm: FarmID(.max),
                    kept: [lease]))),
        .order(.helloAgain), .order(.heartbeat), .order(.goodbye), .order(.assign(assignment)),
        .order(.revoke(lease)), .order(.acknowledged(lease, .committed)),
        .order(.acknowledged(lease, .blobMissing)),
        .order(.refused("too old")),
    ]

    static let requests: [FarmMessage] = [
        .request(number: 1, .hello),
        .request(
            number: 2,
            .submit(Submission(id: submission, name: "n", owner: "o", priority: -5, model: "emoji", count: 9))
        ),
        .request(number: 3, .submitImages(submission, first: 4, images: [request, plain])),
        .request(number: 4, .submitEnd(submission)), .request(number: 5, .jobs(before: JobID(9), limit: 10)),
        .request(number: 6, .jobs(before: nil, limit: 1)),
        .request(number: 7, .status(JobID(1), revision: 4, waitMilliseconds: 1000)),
        .request(number: 8, .status(JobID(1), revision: nil, waitMilliseconds: 0)),
        .request(number: 9, .workers),
        .request(number: 10, .control(JobID(1), .retry)),
        .request(number: .max, .images(JobID(1), from: 0, limit: 5, failedOnly: false)),
        .request(number: 12, .images(JobID(2), from: 3, limit: 9, failedOnly: true)),
    ]

    static let replies: [FarmMessage] = [
        .reply(
            number: 1,
            .welcome(
                ServerDescription(
                    protocolVersion: 1, build: "0.1", blobPort: 7421, farm: FarmID(1), models: [model],
                    trouble: "full"))),
        .reply(number: 2, .submission(SubmissionState(id: submission, received: 4, job: JobID(1)))),
        .reply(number: 3, .jobs([job])), .reply(number: 4, .status(job)),
        .reply(number: 5, .workers([worker])),
        .reply(number: 6, .images([image])), .reply(number: 7, .refused(Refusal(.notFound, "No job 9."))),
    ]

    static let blobs: [FarmMessage] = [
        .blobRequest(.offer(blob, bytes: 5)), .blobRequest(.chunk(blob, offset: 0, bytes: [1, 2, 3])),
        .blobRequest(.read(blob, offset: 9, length: 10)), .blobReply(.want(blob, offset: 1, length: 2)),
        .blobReply(.stored(blob)), .blobReply(.bytes(blob, offset: 0, total: 3, bytes: [1, 2, 3])),
        .blobReply(.refused(blob, .diskFull)),
    ]

    /// More of those that the codec reads and writes by itself, at their bounds.
    static let hot: [FarmMessage] = [
        .order(
            .assign(
                Assignment(
                    lease: LeaseID(
                        task: TaskID(
                            image: ImageID(job: JobID(.max), index: Limits.imagesPerJob - 1),
                            stage: Limits.stagesPerModel - 1), attempt: Int(UInt16.max)),
                    model: key, stage: StageName("prior"),
                    request: ImageRequest(
                        prompt: String(repeating: "é", count: 200), seed: 1,
                        options: RenderOptions(size: 1024, guidance: 0)),
                    input: nil, isLast: false, leaseMilliseconds: 0))),
        .order(
            .assign(
                Assignment(
                    lease: lease, model: key, stage: StageName("prior"), request: plain, input: blob,
                    isLast: true, leaseMilliseconds: .max))),
        .report(.progress(TaskProgress(lease: lease, phase: .loading, step: 0, steps: 0))),
        .report(.completed(TaskResult(lease: lease, blob: blob, pixels: nil, seconds: 0, loadSeconds: 1e-9))),
        .order(.acknowledged(lease, .duplicate)), .order(.acknowledged(lease, .fenced)),
    ]

    static var job: JobStatus {
        var images = ImageCounts()
        images.done = 3
        var tasks = TaskCounts()
        tasks.leased = 2
        return JobStatus(
            id: JobID(1), name: "n", owner: "o", priority: -3, state: .active, model: "emoji", modelKey: key,
            images: images, tasks: tasks, waiting: [WaitReason(count: 2, text: "busy")], secondsLeft: 4.5,
            submitted: Instant(milliseconds: 17), finished: Instant(milliseconds: 18), alarms: 1, revision: 5)
    }

    static let worker = WorkerStatus(
        id: session.worker, host: "box", build: "0.1", cpu: "avx2", threads: 2, tags: ["a"], connected: true,
        silentMilliseconds: 4, models: [key],
        running: [RunningTask(lease: lease, stage: StageName("prior"), phase: .loading, step: 0, steps: 0)],
        completed: 5, failed: 1, excluded: ["no"])

    static let image = ImageStatus(
        index: 3, request: request, state: .done, picture: blob, pixels: digest,
        stages: [StageRecord(stage: StageName("prior"), worker: session.worker, seconds: 1, attempt: 1)],
        error: "e", warnings: ["w"])

    static let outOfBounds: [(FarmMessage, String)] = [
        (
            .report(
                .hello(
                    WorkerHello(
                        session: WorkerSession(worker: WorkerID(""), nonce: 1), oldestProtocol: 1,
                        newestProtocol: 1))), "worker"
        ),
        (
            .report(.hello(WorkerHello(session: session, oldestProtocol: 1, newestProtocol: 1, slots: 0))),
            "slots"
        ),
        (.report(.completed(TaskResult(lease: lease, blob: blob, pixels: nil, seconds: .nan))), "seconds"),
        (
            .order(
                .welcome(
                    Welcome(
                        protocolVersion: 1, blobPort: 7421, heartbeatMilliseconds: 1000,
                        graceMilliseconds: 10_000, farm: FarmID(0), kept: []))), "farm"
        ),
        (
            .report(
                .failed(
                    TaskFailure(
                        lease: LeaseID(task: lease.task, attempt: 0), kind: .application, message: ""))),
            "lease.attempt"
        ),
        (.request(number: 1, .submitImages(submission, first: 0, images: [])), "images"),
        (
            .request(
                number: 1, .submitImages(submission, first: 0, images: Array(repeating: plain, count: 1001))),
            "images"
        ),
        (
            .request(
                number: 1,
                .submitImages(
                    submission, first: 0,
                    images: [
                        ImageRequest(
                            prompt: String(repeating: "x", count: Limits.promptBytes + 1), seed: 0,
                            options: RenderOptions(size: 64))
                    ])), "prompt"
        ),
        (.request(number: 1, .jobs(before: nil, limit: 0)), "limit"),
        (.request(number: 1, .status(JobID(0), revision: nil, waitMilliseconds: 0)), "job"),
        (.blobRequest(.chunk(blob, offset: Limits.blobBytes + 1, bytes: [])), "offset"),
    ]
}
