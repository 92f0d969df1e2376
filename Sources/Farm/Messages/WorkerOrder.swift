/// What the coordinator tells a worker.
package enum WorkerOrder: Hashable, Sendable {
    /// Answer to a hello.
    case welcome(Welcome)
    /// "I do not know you": the worker says hello again.
    case helloAgain
    /// "I am here."
    case heartbeat
    /// Run this task. A worker may get as many at once as it has slots, and one more to queue.
    case assign(Assignment)
    /// Stop this task and drop its result.
    case revoke(LeaseID)
    /// What became of a result or a failure; the worker may forget it (except after `Verdict.blobMissing`).
    case acknowledged(LeaseID, Verdict)
    /// The worker cannot be used (protocol, limits); the text says why and what to do.
    case refused(String)
    /// The coordinator stops; the worker keeps its work and its outbox and connects again.
    case goodbye

    /// The lease that it gives; nil for other orders.
    package var assignedLease: LeaseID? {
        if case .assign(let assignment) = self { assignment.lease } else { nil }
    }
}

/// Answer to a worker's hello.
package struct Welcome: Hashable, Sendable {
    /// The protocol version that both speak.
    package var protocolVersion: Int
    /// TCP port of the blob socket on the coordinator's host.
    package var blobPort: Int
    /// Milliseconds between heartbeats, both ways.
    package var heartbeatMilliseconds: Int64
    /// Milliseconds of silence after which either side takes the other for lost.
    package var graceMilliseconds: Int64
    /// The farm that the coordinator serves; the worker drops what it holds of another.
    package var farm: FarmID
    /// Of the leases that the hello listed, those that still hold; the worker drops the others.
    package var kept: [LeaseID]

    /// An answer to a hello; times in milliseconds.
    package init(
        protocolVersion: Int, blobPort: Int, heartbeatMilliseconds: Int64, graceMilliseconds: Int64,
        farm: FarmID, kept: [LeaseID]
    ) {
        self.protocolVersion = protocolVersion
        self.blobPort = blobPort
        self.heartbeatMilliseconds = heartbeatMilliseconds
        self.graceMilliseconds = graceMilliseconds
        self.farm = farm
        self.kept = kept
    }
}

/// A task to run.
package struct Assignment: Hashable, Sendable {
    /// The right to run it.
    package var lease: LeaseID
    /// The model.
    package var model: ModelKey
    /// The stage.
    package var stage: StageName
    /// Prompt, seed, options.
    package var request: ImageRequest
    /// The former stage's result; nil for the first stage.
    package var input: BlobID?
    /// Whether the result is the finished picture, to be uploaded as PNG.
    package var isLast: Bool
    /// Milliseconds without progress after which the lease ends.
    package var leaseMilliseconds: Int64

    /// The task of `dispatch`, which draws `request`.
    package init(_ dispatch: Dispatch, _ request: ImageRequest) {
        self.init(
            lease: dispatch.lease, model: dispatch.model, stage: dispatch.stage, request: request,
            input: dispatch.input, isLast: dispatch.isLast, leaseMilliseconds: dispatch.leaseMilliseconds)
    }

    /// A task with all that is needed to run it.
    package init(
        lease: LeaseID, model: ModelKey, stage: StageName, request: ImageRequest, input: BlobID?,
        isLast: Bool,
        leaseMilliseconds: Int64
    ) {
        self.lease = lease
        self.model = model
        self.stage = stage
        self.request = request
        self.input = input
        self.isLast = isLast
        self.leaseMilliseconds = leaseMilliseconds
    }
}

/// What became of a result.
package enum Verdict: Hashable, Sendable {
    /// It is on disk.
    case committed
    /// The task was done already, with the same bytes.
    case duplicate
    /// Another attempt has the task, or the job is gone.
    case fenced
    /// The blob is not at the coordinator: upload it and report again.
    case blobMissing
}
