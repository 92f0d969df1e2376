/// What a worker tells the coordinator.
package enum WorkerReport: Hashable, Sendable {
    /// First message of a connection, and the answer to `WorkerOrder.helloAgain`.
    case hello(WorkerHello)
    /// "I am here." Sent every heartbeat interval from a thread that never computes.
    case heartbeat
    /// The task advanced; renews its lease.
    case progress(TaskProgress)
    /// The task is done and its blob is stored. Repeated until `WorkerOrder.acknowledged` comes.
    case completed(TaskResult)
    /// The task failed. Repeated until `WorkerOrder.acknowledged` comes.
    case failed(TaskFailure)
    /// The worker leaves; its leases are free at once.
    case goodbye
}

/// Who a worker is and what it can do.
package struct WorkerHello: Hashable, Sendable {
    /// Name and the nonce of this life.
    package var session: WorkerSession
    /// The oldest protocol version it speaks.
    package var oldestProtocol: Int
    /// The newest protocol version it speaks.
    package var newestProtocol: Int
    /// The program's version, for people.
    package var build: String
    /// The machine's name, for people.
    package var host: String
    /// The kernel path or CPU features, for people.
    package var cpu: String
    /// Threads that it computes with.
    package var threads: Int
    /// Tasks that it runs at once.
    package var slots: Int
    /// Free labels.
    package var tags: [String]
    /// Models that it can serve.
    package var models: [ModelAnnouncement]
    /// Stages of its models that it has too little memory for.
    package var unserved: [StageKey]
    /// Leases that it still works on or whose result it still holds.
    package var running: [LeaseID]

    /// A worker's introduction; `slots` tasks run at once, `running` are the leases it still holds.
    package init(
        session: WorkerSession, oldestProtocol: Int, newestProtocol: Int, build: String = "",
        host: String = "",
        cpu: String = "", threads: Int = 1, slots: Int = 1, tags: [String] = [],
        models: [ModelAnnouncement] = [], unserved: [StageKey] = [],
        running: [LeaseID] = []
    ) {
        self.session = session
        self.oldestProtocol = oldestProtocol
        self.newestProtocol = newestProtocol
        self.build = build
        self.host = host
        self.cpu = cpu
        self.threads = threads
        self.slots = slots
        self.tags = tags
        self.models = models
        self.unserved = unserved
        self.running = running
    }

    /// The newest protocol version that both speak; nil where there is none.
    package func protocolVersion(with versions: ClosedRange<Int>) -> Int? {
        let newest = min(newestProtocol, versions.upperBound)
        return newest >= max(oldestProtocol, versions.lowerBound) ? newest : nil
    }
}

/// What a task is doing.
package enum TaskPhase: Hashable, Sendable {
    /// Fetching the input or loading weights.
    case loading
    /// Denoising.
    case stepping
    /// Uploading the result.
    case uploading
}

/// A task advanced.
package struct TaskProgress: Hashable, Sendable {
    /// The lease that it runs under.
    package var lease: LeaseID
    /// What it is doing.
    package var phase: TaskPhase
    /// Steps done.
    package var step: Int
    /// Steps in all.
    package var steps: Int

    /// `step` of `steps` are done.
    package init(lease: LeaseID, phase: TaskPhase, step: Int, steps: Int) {
        self.lease = lease
        self.phase = phase
        self.step = step
        self.steps = steps
    }
}

/// A task's result.
package struct TaskResult: Hashable, Sendable {
    /// The lease that it ran under.
    package var lease: LeaseID
    /// The result's blob: a safetensors file, and the PNG for the last stage.
    package var blob: BlobID
    /// SHA-256 of the raw RGB bytes; only the last stage has one.
    package var pixels: Digest?
    /// Seconds of computing.
    package var seconds: Double
    /// Seconds of loading weights before it, not part of `seconds`.
    package var loadSeconds: Double
    /// What the user should know, such as a truncated prompt.
    package var warnings: [String]

    /// A result; times in seconds, `pixels` only for the last stage.
    package init(
        lease: LeaseID, blob: BlobID, pixels: Digest?, seconds: Double, loadSeconds: Double = 0,
        warnings: [String] = []
    ) {
        self.lease = lease
        self.blob = blob
        self.pixels = pixels
        self.seconds = seconds
        self.loadSeconds = loadSeconds
        self.warnings = warnings
    }
}

/// Why a task failed.
package enum FailureKind: Hashable, Sendable {
    /// The computation refused or broke.
    case application
    /// The input blob is missing or its bytes are wrong at the coordinator: the earlier stage must run again.
    case inputMissing
    /// The worker gives the task back without fault, such as while it shuts down.
    case declined
}

/// A task failed.
package struct TaskFailure: Hashable, Sendable {
    /// The lease that it ran under.
    package var lease: LeaseID
    /// What kind of failure.
    package var kind: FailureKind
    /// For people: what happened, to what, and what to do.
    package var message: String

    /// A failure with a message for people.
    package init(lease: LeaseID, kind: FailureKind, message: String) {
        self.lease = lease
        self.kind = kind
        self.message = message
    }
}
