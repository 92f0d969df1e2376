import Farm
import Testing

/// A coordinator with what a test needs around it: time that the test moves and everything it said so far.
final class Bench {
    var machine: CoordinatorMachine
    var now = Instant(milliseconds: 1_000_000)
    var requests: UInt64 = 0

    init(
        _ options: CoordinatorOptions = CoordinatorOptions(), restoring snapshot: CoordinatorSnapshot = .empty
    ) {
        machine = CoordinatorMachine(options: options, restoring: snapshot, at: now)
    }

    /// One event, and all that it leaves to do.
    @discardableResult
    func apply(_ event: CoordinatorEvent) -> [CoordinatorEffect] {
        var effects = machine.apply(event, at: now)
        while machine.hasMore { effects += machine.apply(.proceed, at: now) }
        return effects
    }

    func wait(_ milliseconds: Int64) { now = now.advanced(by: milliseconds) }

    /// A worker joins; gives what it is told to run.
    @discardableResult
    func join(_ session: WorkerSession, slots: Int = 1, running: [LeaseID] = []) -> [Dispatch] {
        apply(.hello(Fixtures.hello(session, slots: slots, running: running))).dispatches
    }

    /// Submits a job of different images and gives its number.
    @discardableResult
    func submit(
        _ count: Int, size: Int = 256, priority: Int = 0, model: String = "toy", owner: String = "me"
    ) -> JobID? {
        let first = (requests + 1) << 32
        let images = (0..<UInt64(count)).map { place in
            ImageRequest(prompt: "p", seed: first + place, options: RenderOptions(size: size))
        }
        return submit(images, priority: priority, model: model, owner: owner)
    }

    /// Submits a job of these images and gives its number.
    @discardableResult
    func submit(
        _ images: [ImageRequest], priority: Int = 0, model: String = "toy", owner: String = "me"
    ) -> JobID? {
        requests += 1
        let id = SubmissionID(high: 1, low: requests)
        let request = RequestID(requests)
        let submission = Fixtures.submission(
            id, count: images.count, priority: priority, model: model, owner: owner)
        apply(.submit(request, submission))
        apply(.submitImages(request, id, first: 0, images: images.map(Fixtures.submitted)))
        let effects = apply(.submitEnd(request, id))
        dispatched = effects.dispatches
        for case .reply(_, .submission(let state)) in effects { return state.job }
        return nil
    }

    /// What the last submission set going.
    var dispatched: [Dispatch] = []

    /// A worker ends its task well.
    @discardableResult
    func complete(
        _ dispatch: Dispatch, by session: WorkerSession, byte: UInt8? = nil, stored: Bool = true,
        seconds: Double = 1, loadSeconds: Double = 0
    ) -> [CoordinatorEffect] {
        let result = Fixtures.result(dispatch, byte: byte, seconds: seconds, loadSeconds: loadSeconds)
        return apply(.completed(session, result, blobStored: stored))
    }

    /// A worker joins and proves quick with a job's first tasks, so that more of them queue at it.
    /// Gives its first task, which it has done.
    @discardableResult
    func fillQueue(of session: WorkerSession) throws -> Dispatch {
        join(session)
        submit(50, size: 64)
        let first = try #require(dispatched.first)
        let second = try #require(complete(first, by: session, seconds: 0.1).dispatches.first)
        complete(second, by: session, seconds: 0.1)
        return first
    }

    @discardableResult
    func fail(_ dispatch: Dispatch, by session: WorkerSession, _ kind: FailureKind = .application)
        -> [CoordinatorEffect]
    {
        apply(.failed(session, TaskFailure(lease: dispatch.lease, kind: kind, message: "no")))
    }

    /// A worker says that its task is at `step`.
    @discardableResult
    func progress(_ dispatch: Dispatch, by session: WorkerSession, _ phase: TaskPhase = .stepping, step: Int)
        -> [CoordinatorEffect]
    {
        apply(.progress(session, TaskProgress(lease: dispatch.lease, phase: phase, step: step, steps: 100)))
    }

    /// Time goes by in beats that the workers send.
    @discardableResult
    func live(_ milliseconds: Int64, _ sessions: WorkerSession...) -> [CoordinatorEffect] {
        var effects: [CoordinatorEffect] = []
        for _ in 0..<(milliseconds / 1000) {
            wait(1000)
            for session in sessions { effects += apply(.heartbeat(session)) }
            effects += apply(.tick)
        }
        return effects
    }

    func status(_ job: JobID) -> JobStatus? { machine.status(of: job, at: now) }
}

enum Fixtures {
    static let model = ModelAnnouncement(
        key: ModelKey(name: "toy", hash: digest(7)), version: "1",
        stages: [
            AnnouncedStage(name: StageName("prior"), steps: 2, guidance: 4, size: nil),
            AnnouncedStage(name: StageName("base64"), steps: 2, guidance: 4, size: 64),
            AnnouncedStage(name: StageName("up256"), steps: 2, guidance: nil, size: 256),
        ])
    /// A model of one stage.
    static let small = ModelAnnouncement(
        key: ModelKey(name: "small", hash: digest(8)), version: "1",
        stages: [AnnouncedStage(name: StageName("base64"), steps: 2, guidance: 4, size: 64)])
    static let one = WorkerSession(worker: WorkerID("one"), nonce: 1)
    static let two = WorkerSession(worker: WorkerID("two"), nonce: 2)

    static func digest(_ byte: UInt8) -> Digest {
        Digest(bytes: [UInt8](repeating: byte, count: 32)) ?? .zero
    }

    /// A request with a source of its own.
    static func submitted(_ request: ImageRequest) -> SubmittedImage {
        let text = Array(request.prompt.utf8.prefix(23))
        let words = (0..<8).map { UInt8(truncatingIfNeeded: request.seed >> ($0 * 8)) }
        let bytes = words + [UInt8(text.count)] + text
        let padding = [UInt8](repeating: 0, count: 32 - bytes.count)
        return SubmittedImage(
            request: request, source: PictureSource(Digest(bytes: bytes + padding) ?? .zero))
    }

    static func hello(
        _ session: WorkerSession, slots: Int = 1, running: [LeaseID] = [],
        models: [ModelAnnouncement] = [Fixtures.model], unserved: [StageKey] = []
    ) -> WorkerHello {
        WorkerHello(
            session: session, oldestProtocol: 1, newestProtocol: 1, slots: slots, models: models,
            unserved: unserved, running: running)
    }

    static func submission(
        _ id: SubmissionID, count: Int, priority: Int = 0, model: String = "toy", owner: String = "me"
    ) -> Submission {
        Submission(id: id, name: "job", owner: owner, priority: priority, model: model, count: count)
    }

    /// A result whose bytes follow from the task, as the engine's do.
    static func result(
        _ dispatch: Dispatch, byte: UInt8? = nil, seconds: Double = 1, loadSeconds: Double = 0
    ) -> TaskResult {
        let task = dispatch.lease.task
        let digest = digest(byte ?? UInt8(truncatingIfNeeded: task.image.index * 8 + task.stage + 1))
        return TaskResult(
            lease: dispatch.lease, blob: BlobID(digest), pixels: dispatch.isLast ? digest : nil,
            seconds: seconds,
            loadSeconds: loadSeconds)
    }
}

extension [CoordinatorEffect] {
    var dispatches: [Dispatch] {
        compactMap { effect in
            if case .assign(_, let dispatch) = effect { dispatch } else { nil }
        }
    }

    var verdicts: [Verdict] {
        compactMap { effect in
            if case .send(_, .acknowledged(_, let verdict)) = effect { verdict } else { nil }
        }
    }

    var refusals: [RefusalCode] {
        compactMap { effect in
            if case .reply(_, .refused(let refusal)) = effect { refusal.code } else { nil }
        }
    }

    var changes: [CoordinatorChange] {
        compactMap { effect in
            if case .persist(let change) = effect { change } else { nil }
        }
    }

    func sends(_ order: WorkerOrder) -> Bool {
        contains { effect in
            if case .send(_, order) = effect { true } else { false }
        }
    }
}
