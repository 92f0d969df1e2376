import DequeModule
import OrderedCollections

/// The coordinator's decisions as a value: `apply` takes what happened and when, and says what to do. It
/// reads no clock, draws nothing at random and touches nothing outside itself.
///
///     var machine = CoordinatorMachine(options: CoordinatorOptions())
///     let effects = machine.apply(.hello(hello), at: now)
package struct CoordinatorMachine: Hashable, Sendable {
    /// The numbers that the decisions depend on.
    package let options: CoordinatorOptions
    var jobs: OrderedDictionary<JobID, Job> = [:]
    var models: OrderedDictionary<ModelKey, ModelAnnouncement> = [:]
    var workers: WorkerTable
    var nextJob = JobID(1)
    /// Which job each submission became. Looked up, never iterated.
    var submissions: [SubmissionID: JobID] = [:]
    /// When a draft last grew.
    var draftHeard: OrderedDictionary<JobID, Instant> = [:]
    var queue = ReadyQueue()
    /// Whether tasks became ready, or time passed, since free workers were last looked at.
    var hasNewTasks = false
    /// Workers that failed or lost an image's current stage. Looked up, never iterated.
    var avoided: [ImageID: [WorkerID]] = [:]
    /// Measured seconds a stage with the model's usual steps. Looked up, never iterated.
    var paces: [StageKey: Pace] = [:]
    /// What the store knows of them. Looked up, and given out sorted.
    var storedPaces: [StageKey: MeasuredPace] = [:]
    /// What the store knows of the work given to owners. Looked up, and given out sorted.
    var storedShares: [String: OwnerShare] = [:]
    /// Measured seconds to load a model. Looked up, never iterated.
    var loads: [ModelKey: Pace] = [:]
    /// Images whose task two workers try, or whose earlier attempt goes on alone. Looked up, never iterated.
    var elders: [ImageID: Elder] = [:]
    /// Tasks with the same inputs.
    var twins = Twins()
    /// Images to be looked at again, for what they waited for has ended.
    var due: Deque<ImageID> = []
    /// Jobs whose images are to be looked at for finished twins, and how far that came.
    var arrivals: OrderedDictionary<JobID, Int> = [:]
    /// Images that this call of `apply` may still set aside.
    var mayStillSetAside = twinsPerTurn
    /// Changes whenever a job changes. Looked up, never iterated.
    var revisions: [JobID: UInt64] = [:]
    /// What stops new work, for people.
    package internal(set) var trouble: String?
    /// What this call of `apply` wants done.
    var effects: [CoordinatorEffect] = []

    /// A coordinator that begins with what the store holds. Workers that held leases have
    /// `options.restartGrace` to come back.
    package init(
        options: CoordinatorOptions = CoordinatorOptions(), restoring snapshot: CoordinatorSnapshot = .empty,
        at now: Instant = Instant(milliseconds: 0)
    ) {
        self.options = options
        workers = WorkerTable(options)
        restore(snapshot, at: now)
    }

    /// Takes one event and says what to do about it.
    package mutating func apply(_ event: CoordinatorEvent, at now: Instant) -> [CoordinatorEffect] {
        if mayStillSetAside == 0 { hasNewTasks = true }
        mayStillSetAside = CoordinatorMachine.twinsPerTurn
        switch event {
        case .hello(let hello): welcome(hello, at: now)
        case .heartbeat(let session):
            if hear(session, at: now) { send(session, .heartbeat) }
        case .progress(let session, let progress): note(progress, from: session, at: now)
        case .completed(let session, let result, let stored):
            complete(result, from: session, blobStored: stored, at: now)
        case .failed(let session, let failure): fail(failure, from: session, at: now)
        case .goodbye(let session): leave(session, at: now)
        case .undelivered(let session, let lease): undeliver(lease, to: session, at: now)
        case .submit(let request, let submission): begin(submission, for: request, at: now)
        case .submitImages(let request, let id, let first, let images):
            extend(id, first: first, images: images, for: request, at: now)
        case .submitEnd(let request, let id): end(id, for: request, at: now)
        case .control(let request, let job, let action): control(job, action, for: request, at: now)
        case .tick:
            tick(at: now)
            saveShares()
            hasNewTasks = true
        case .resumed(let milliseconds): workers.excuse(milliseconds, at: now)
        case .trouble(let text):
            trouble = text
            hasNewTasks = true
        case .proceed: proceed(at: now)
        }
        dispatch(at: now)
        if case .tick = event { hurry(at: now) }
        defer { effects = [] }
        return effects
    }

    mutating func persist(_ change: CoordinatorChange) { effects.append(.persist(change)) }
    mutating func send(_ session: WorkerSession, _ order: WorkerOrder) {
        effects.append(.send(session, order))
    }
    mutating func reply(_ request: RequestID, _ reply: ClientReply) { effects.append(.reply(request, reply)) }

    mutating func notice(_ text: String, isWarning: Bool = false) {
        effects.append(.notice(Notice(text, isWarning: isWarning)))
    }

    mutating func touch(_ job: JobID) { revisions[job, default: 0] += 1 }
}

/// Measured seconds of a stage: the newest results count most.
struct Pace: Hashable, Sendable {
    var seconds: Double

    mutating func note(_ measured: Double) { seconds += (measured - seconds) * 0.2 }
}
