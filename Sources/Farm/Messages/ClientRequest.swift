/// What a client asks of the coordinator. Each gets exactly one reply.
package enum ClientRequest: Hashable, Sendable {
    /// Who are you? Answered by `ClientReply.welcome`.
    case hello
    /// Begins a submission, or asks how far it came. Answered by `ClientReply.submission`.
    case submit(Submission)
    /// The next images of a submission. Answered by `ClientReply.submission`.
    case submitImages(SubmissionID, first: Int, images: [ImageRequest])
    /// Makes the job visible; all images must be there. Answered by `ClientReply.submission` with the job.
    case submitEnd(SubmissionID)
    /// Jobs by falling number, below `before` (nil = from the newest). Answered by `ClientReply.jobs`.
    case jobs(before: JobID?, limit: Int)
    /// A job's state, held back while it still has `revision`, for up to `waitMilliseconds`.
    case status(JobID, revision: UInt64?, waitMilliseconds: Int64)
    /// Connected and recently lost workers. Answered by `ClientReply.workers`.
    case workers
    /// Does something to a job. Answered by `ClientReply.status`.
    case control(JobID, JobAction)
    /// Images of a job from index `from`, or the failed ones among them. Answered by `ClientReply.images`.
    case images(JobID, from: Int, limit: Int, failedOnly: Bool)
}

/// What can be done to a job.
package enum JobAction: Hashable, Sendable {
    /// Stops it; unfinished images become cancelled.
    case cancel
    /// No new task begins; running ones finish.
    case pause
    /// Goes on after a pause.
    case resume
    /// Failed and cancelled images start again.
    case retry
}

/// The head of a submission.
package struct Submission: Hashable, Sendable {
    /// Drawn by the client, repeated when it tries again.
    package var id: SubmissionID
    /// The job's name, for people; may be empty.
    package var name: String
    /// Who submits; may be empty.
    package var owner: String
    /// Higher goes first; -1000…1000.
    package var priority: Int
    /// The model's name, or `name@hash`.
    package var model: String
    /// How many images follow, 1…`Limits.imagesPerJob`.
    package var count: Int

    /// The head of a submission of `count` images.
    package init(id: SubmissionID, name: String, owner: String, priority: Int, model: String, count: Int) {
        self.id = id
        self.name = name
        self.owner = owner
        self.priority = priority
        self.model = model
        self.count = count
    }
}
