/// What the coordinator wants done. All changes of a turn are committed in one transaction before any message
/// leaves.
package enum CoordinatorEffect: Hashable, Sendable {
    /// To be made durable.
    case persist(CoordinatorChange)
    /// To be sent to a worker.
    case send(WorkerSession, WorkerOrder)
    /// To be sent to a worker as `WorkerOrder.assign`, with the request that the store holds.
    case assign(WorkerSession, Dispatch)
    /// The answer to a client's request.
    case reply(RequestID, ClientReply)
    /// A line for the log.
    case notice(Notice)
}

/// An assignment without the request, which only the store knows.
package struct Dispatch: Hashable, Sendable {
    /// The right to run the task.
    package var lease: LeaseID
    /// The model.
    package var model: ModelKey
    /// The stage.
    package var stage: StageName
    /// Size, steps, guidance, precision.
    package var options: RenderOptions
    /// The former stage's result; nil for the first stage.
    package var input: BlobID?
    /// Whether the result is the finished picture.
    package var isLast: Bool
    /// Milliseconds without progress after which the lease ends.
    package var leaseMilliseconds: Int64

    /// An assignment without prompt and seed.
    package init(
        lease: LeaseID, model: ModelKey, stage: StageName, options: RenderOptions, input: BlobID?,
        isLast: Bool,
        leaseMilliseconds: Int64
    ) {
        self.lease = lease
        self.model = model
        self.stage = stage
        self.options = options
        self.input = input
        self.isLast = isLast
        self.leaseMilliseconds = leaseMilliseconds
    }
}

/// A line for the log.
package struct Notice: Hashable, Sendable {
    /// Whether a person should act.
    package var isWarning: Bool
    /// What happened.
    package var text: String

    /// A line for the log.
    package init(_ text: String, isWarning: Bool = false) {
        self.text = text
        self.isWarning = isWarning
    }
}
