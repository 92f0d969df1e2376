/// What the coordinator answers a client.
package enum ClientReply: Hashable, Sendable {
    /// Who the coordinator is.
    case welcome(ServerDescription)
    /// How far a submission came.
    case submission(SubmissionState)
    /// A page of jobs, newest first.
    case jobs([JobStatus])
    /// One job.
    case status(JobStatus)
    /// Workers by name.
    case workers([WorkerStatus])
    /// A page of images by index.
    case images([ImageStatus])
    /// It cannot be done.
    case refused(Refusal)
}

/// Who the coordinator is.
package struct ServerDescription: Hashable, Sendable {
    /// The protocol version that it speaks.
    package var protocolVersion: Int
    /// The program's version, for people.
    package var build: String
    /// TCP port of the blob socket on the coordinator's host.
    package var blobPort: Int
    /// The farm that it serves; job numbers mean something within it only.
    package var farm: FarmID
    /// Models that it knows, by key.
    package var models: [ModelAnnouncement]
    /// What stops new work now, for people (such as a full disk); nil when nothing does.
    package var trouble: String?

    /// A coordinator's introduction.
    package init(
        protocolVersion: Int, build: String, blobPort: Int, farm: FarmID, models: [ModelAnnouncement],
        trouble: String?
    ) {
        self.protocolVersion = protocolVersion
        self.build = build
        self.blobPort = blobPort
        self.farm = farm
        self.models = models
        self.trouble = trouble
    }
}

/// How far a submission came.
package struct SubmissionState: Hashable, Sendable {
    /// The submission.
    package var id: SubmissionID
    /// Images received; the next chunk begins here.
    package var received: Int
    /// The job, once the submission is complete.
    package var job: JobID?

    /// `received` images are on disk.
    package init(id: SubmissionID, received: Int, job: JobID?) {
        self.id = id
        self.received = received
        self.job = job
    }
}

/// Why a request was refused, with a sentence for people.
package struct Refusal: Hashable, Sendable {
    /// What kind of refusal.
    package var code: RefusalCode
    /// What happened and what to do.
    package var message: String

    /// A refusal with a sentence for people.
    package init(_ code: RefusalCode, _ message: String) {
        self.code = code
        self.message = message
    }
}

/// Kinds of refusal.
package enum RefusalCode: Hashable, Sendable {
    /// No such job or submission.
    case notFound
    /// The request itself is wrong.
    case invalid
    /// A stated maximum is reached.
    case limit
    /// The job's state does not allow it.
    case conflict
    /// The coordinator's disk is full or it stops: try again later.
    case unavailable
}

/// What a job is doing.
package enum JobState: Hashable, Sendable, CaseIterable {
    /// Submission has not ended.
    case draft
    /// Images are to be made.
    case active
    /// Held by its user.
    case paused
    /// Every image is done or failed.
    case finished
    /// Stopped by its user.
    case cancelled
}

/// Images of a job by state. They add up to the job's count.
package struct ImageCounts: Hashable, Sendable {
    /// Nothing of it has begun.
    package var waiting = 0
    /// A task runs or a stage is done.
    package var running = 0
    /// The picture is there.
    package var done = 0
    /// Given up, with a reason.
    package var failed = 0
    /// Stopped by the user.
    package var cancelled = 0

    /// No images.
    package init() {}
}

/// Tasks of a job by state, over images whose plan is known.
package struct TaskCounts: Hashable, Sendable {
    /// The stage before is not done.
    package var blocked = 0
    /// Could run now.
    package var ready = 0
    /// A worker has it.
    package var leased = 0
    /// Its result is on disk.
    package var done = 0
    /// Belongs to a failed or cancelled image and is not done.
    package var dropped = 0

    /// No tasks.
    package init() {}
}

/// One answer to "why is it waiting?". The answers of a job add up to its ready and blocked tasks and its
/// images without a plan.
package struct WaitReason: Hashable, Sendable {
    /// How many tasks wait for this.
    package var count: Int
    /// For people.
    package var text: String

    /// `count` tasks wait for what `text` says.
    package init(count: Int, text: String) {
        self.count = count
        self.text = text
    }
}

/// A job as users see it.
package struct JobStatus: Hashable, Sendable {
    /// The job.
    package var id: JobID
    /// Its name.
    package var name: String
    /// Who submitted it.
    package var owner: String
    /// Higher goes first.
    package var priority: Int
    /// What it is doing.
    package var state: JobState
    /// The model as asked for.
    package var model: String
    /// The model chosen; nil until a worker has announced it.
    package var modelKey: ModelKey?
    /// Images by state.
    package var images: ImageCounts
    /// Tasks by state.
    package var tasks: TaskCounts
    /// Why tasks wait.
    package var waiting: [WaitReason]
    /// Seconds until it is finished, from measured seconds a stage; nil when unknown.
    package var secondsLeft: Double?
    /// When it was submitted, milliseconds since 1970.
    package var submitted: Instant
    /// When its last image ended.
    package var finished: Instant?
    /// Results that differed from the committed one: a determinism alarm each.
    package var alarms: Int
    /// Changes whenever the job changes; for `ClientRequest.status`.
    package var revision: UInt64

    /// A job as users see it; `secondsLeft` in seconds.
    package init(
        id: JobID, name: String, owner: String, priority: Int, state: JobState, model: String,
        modelKey: ModelKey?,
        images: ImageCounts, tasks: TaskCounts, waiting: [WaitReason], secondsLeft: Double?,
        submitted: Instant,
        finished: Instant?, alarms: Int, revision: UInt64
    ) {
        self.id = id
        self.name = name
        self.owner = owner
        self.priority = priority
        self.state = state
        self.model = model
        self.modelKey = modelKey
        self.images = images
        self.tasks = tasks
        self.waiting = waiting
        self.secondsLeft = secondsLeft
        self.submitted = submitted
        self.finished = finished
        self.alarms = alarms
        self.revision = revision
    }
}

/// A worker as users see it.
package struct WorkerStatus: Hashable, Sendable {
    /// Its name.
    package var id: WorkerID
    /// Its machine.
    package var host: String
    /// Its program's version.
    package var build: String
    /// Its kernel path or CPU features.
    package var cpu: String
    /// Its threads.
    package var threads: Int
    /// Its labels.
    package var tags: [String]
    /// Whether it was heard within the grace time.
    package var connected: Bool
    /// Milliseconds since it was heard.
    package var silentMilliseconds: Int64
    /// Models that it serves.
    package var models: [ModelKey]
    /// What it works on.
    package var running: [RunningTask]
    /// Tasks it has completed since the coordinator started.
    package var completed: Int
    /// Tasks it has failed since the coordinator started.
    package var failed: Int
    /// Stages that it is not given for now, each with the reason.
    package var excluded: [String]

    /// A worker as users see it; silence in milliseconds.
    package init(
        id: WorkerID, host: String, build: String, cpu: String, threads: Int, tags: [String], connected: Bool,
        silentMilliseconds: Int64, models: [ModelKey], running: [RunningTask], completed: Int, failed: Int,
        excluded: [String]
    ) {
        self.id = id
        self.host = host
        self.build = build
        self.cpu = cpu
        self.threads = threads
        self.tags = tags
        self.connected = connected
        self.silentMilliseconds = silentMilliseconds
        self.models = models
        self.running = running
        self.completed = completed
        self.failed = failed
        self.excluded = excluded
    }
}

/// A task on a worker.
package struct RunningTask: Hashable, Sendable {
    /// The lease.
    package var lease: LeaseID
    /// The stage's name.
    package var stage: StageName
    /// What it is doing.
    package var phase: TaskPhase
    /// Steps done.
    package var step: Int
    /// Steps in all; 0 until the first report.
    package var steps: Int

    /// `step` of `steps` of `stage` are done.
    package init(lease: LeaseID, stage: StageName, phase: TaskPhase, step: Int, steps: Int) {
        self.lease = lease
        self.stage = stage
        self.phase = phase
        self.step = step
        self.steps = steps
    }
}

/// What an image is doing.
package enum ImageState: Hashable, Sendable, CaseIterable {
    /// Nothing of it has begun.
    case waiting
    /// A task runs or a stage is done.
    case running
    /// The picture is there.
    case done
    /// Given up, with a reason.
    case failed
    /// Stopped by the user.
    case cancelled
}

/// An image as users see it: a line of the manifest.
package struct ImageStatus: Hashable, Sendable {
    /// Its place in the job, from 0.
    package var index: Int
    /// Prompt, seed, options.
    package var request: ImageRequest
    /// What it is doing.
    package var state: ImageState
    /// The PNG, when done.
    package var picture: BlobID?
    /// SHA-256 of the raw RGB bytes, when done.
    package var pixels: Digest?
    /// Stages done, first to last.
    package var stages: [StageRecord]
    /// Why it failed.
    package var error: String?
    /// What the user should know, such as a truncated prompt.
    package var warnings: [String]

    /// An image as users see it.
    package init(
        index: Int, request: ImageRequest, state: ImageState, picture: BlobID?, pixels: Digest?,
        stages: [StageRecord], error: String?, warnings: [String]
    ) {
        self.index = index
        self.request = request
        self.state = state
        self.picture = picture
        self.pixels = pixels
        self.stages = stages
        self.error = error
        self.warnings = warnings
    }
}

/// A stage that is done.
package struct StageRecord: Hashable, Sendable {
    /// The stage's name.
    package var stage: StageName
    /// Who computed it.
    package var worker: WorkerID
    /// Seconds of computing.
    package var seconds: Double
    /// The attempt that was committed; 0: taken over from another image, whose worker and seconds these are.
    package var attempt: Int

    /// `worker` computed `stage` in `seconds`.
    package init(stage: StageName, worker: WorkerID, seconds: Double, attempt: Int) {
        self.stage = stage
        self.worker = worker
        self.seconds = seconds
        self.attempt = attempt
    }
}
