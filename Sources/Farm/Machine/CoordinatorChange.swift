/// One change of what must survive a crash. The store applies them in order and decides nothing.
package enum CoordinatorChange: Hashable, Sendable {
    /// The number that the next job gets.
    case nextJob(JobID)
    /// A job is new, or its head changed.
    case job(Job.Head)
    /// A draft is dropped with all its images.
    case jobRemoved(JobID)
    /// A job has a further variant.
    case variant(JobID, index: Int, RenderOptions)
    /// Images joined a draft.
    case images(JobID, first: Int, [NewImage])
    /// An image's row changed.
    case image(ImageID, ImageRow)
    /// A worker has a task.
    case leased(HeldLease)
    /// No worker has the task any more.
    case released(LeaseID)
    /// A task is done; ends its lease.
    case result(CommittedResult)
    /// An image has stages that another has done.
    case shared(SharedStages)
    /// An image failed with this reason.
    case imageFailed(ImageID, reason: String)
    /// All open images of a job are cancelled and its leases end.
    case imagesCancelled(JobID)
    /// All failed and cancelled images of a job begin again, but for those of some variants.
    case imagesReopened(JobID, exceptVariants: [Int])
    /// All open images of a variant failed with this reason.
    case variantFailed(JobID, index: Int, reason: String)
    /// A model is known.
    case model(ModelAnnouncement)
    /// The measured pace of a stage changed so much that a restart should know.
    case pace(MeasuredPace)
    /// An owner was given work.
    case share(OwnerShare)
    /// A result differed from the committed one; the blobs of both stay.
    case alarm(CommittedResult, committed: Digest)
}

/// What a stage was measured to take.
package struct MeasuredPace: Hashable, Sendable {
    /// The stage.
    package var key: StageKey
    /// Seconds of computing with the model's usual steps.
    package var seconds: Double
    /// Seconds to load its model; 0 while unknown.
    package var loadSeconds: Double

    /// A stage that takes `seconds`, once its model is loaded in `loadSeconds`.
    package init(key: StageKey, seconds: Double, loadSeconds: Double) {
        self.key = key
        self.seconds = seconds
        self.loadSeconds = loadSeconds
    }

    /// Whether `other` says the same for practical ends: within a tenth and a twentieth of a second.
    func isClose(to other: MeasuredPace) -> Bool {
        func isClose(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 0.05 + 0.1 * min(a, b) }
        return isClose(seconds, other.seconds) && isClose(loadSeconds, other.loadSeconds)
    }
}

/// The work that an owner was given, by which owners share the workers.
package struct OwnerShare: Hashable, Sendable {
    /// Whose it is.
    package var owner: String
    /// Seconds of work.
    package var seconds: Double

    /// `owner` was given `seconds` of work.
    package init(owner: String, seconds: Double) {
        self.owner = owner
        self.seconds = seconds
    }
}

/// An image as it joins a job.
package struct NewImage: Hashable, Sendable {
    /// What to draw.
    package var prompt: String
    /// Seed of its noise.
    package var seed: UInt64
    /// Which of the job's variants it asks for.
    package var variant: UInt16

    /// An image of one of the job's variants.
    package init(prompt: String, seed: UInt64, variant: UInt16) {
        self.prompt = prompt
        self.seed = seed
        self.variant = variant
    }
}

/// A lease and who holds it.
package struct HeldLease: Hashable, Sendable {
    /// The lease.
    package var id: LeaseID
    /// Who holds it.
    package var session: WorkerSession

    /// `session` holds the lease `id`.
    package init(id: LeaseID, session: WorkerSession) {
        self.id = id
        self.session = session
    }
}

/// A task's result as it is committed.
package struct CommittedResult: Hashable, Sendable {
    /// What the worker reported.
    package var result: TaskResult
    /// The stage's name.
    package var stage: StageName
    /// Who computed it.
    package var worker: WorkerID

    /// `worker` computed `stage` with this result.
    package init(result: TaskResult, stage: StageName, worker: WorkerID) {
        self.result = result
        self.stage = stage
        self.worker = worker
    }

    /// What later results of the task are compared with: the pixels' digest, or the blob's where there are
    /// none.
    package var evidence: Digest { result.pixels ?? result.blob.digest }
}

/// Stages that an image takes over from another instead of having them computed.
package struct SharedStages: Hashable, Sendable {
    /// Who takes them over.
    package var image: ImageID
    /// Who has them.
    package var other: ImageID
    /// Places of the stages; at least one.
    package var stages: Range<Int>

    /// `image` takes `stages` over from `other`.
    package init(image: ImageID, other: ImageID, stages: Range<Int>) {
        self.image = image
        self.other = other
        self.stages = stages
    }
}

/// What the store gives at start.
package struct CoordinatorSnapshot: Hashable, Sendable {
    /// The number that the next job gets.
    package var nextJob: JobID
    /// Models in the order in which they became known.
    package var models: [ModelAnnouncement]
    /// Jobs by number.
    package var jobs: [Job]
    /// Leases by number.
    package var leases: [HeldLease]
    /// Measured paces by model and stage.
    package var paces: [MeasuredPace]
    /// Work given to owners, by owner.
    package var shares: [OwnerShare]

    /// What must survive a crash.
    package init(
        nextJob: JobID, models: [ModelAnnouncement], jobs: [Job], leases: [HeldLease],
        paces: [MeasuredPace], shares: [OwnerShare]
    ) {
        self.nextJob = nextJob
        self.models = models
        self.jobs = jobs
        self.leases = leases
        self.paces = paces
        self.shares = shares
    }

    /// A farm that has never had a job.
    package static let empty = CoordinatorSnapshot(
        nextJob: JobID(1), models: [], jobs: [], leases: [], paces: [], shares: [])
}
