/// The number of a job, given by the coordinator in order of submission, from 1.
package struct JobID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// 1, 2, 3, …
    package var number: Int64

    /// - Parameter number: the job's number, from 1.
    package init(_ number: Int64) { self.number = number }

    package var description: String { "\(number)" }
    package static func < (left: JobID, right: JobID) -> Bool { left.number < right.number }
}

/// One picture of a job.
package struct ImageID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The job it belongs to.
    package var job: JobID
    /// Its place in the job, from 0.
    package var index: Int

    /// The picture at `index` (from 0) of `job`.
    package init(job: JobID, index: Int) {
        self.job = job
        self.index = index
    }

    package var description: String { "\(job)/\(index)" }
    package static func < (left: ImageID, right: ImageID) -> Bool {
        (left.job, left.index) < (right.job, right.index)
    }
}

/// The unit of dispatch: one image × one stage.
package struct TaskID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The picture.
    package var image: ImageID
    /// The stage's place in the picture's plan, from 0.
    package var stage: Int

    /// The stage at place `stage` (from 0) of `image`.
    package init(image: ImageID, stage: Int) {
        self.image = image
        self.stage = stage
    }

    package var description: String { "\(image)/\(stage)" }
    package static func < (left: TaskID, right: TaskID) -> Bool {
        (left.image, left.stage) < (right.image, right.stage)
    }
}

/// A right to one task. The attempt counts up over the image's whole life, so it fences every earlier one.
package struct LeaseID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The task.
    package var task: TaskID
    /// 1 for the first lease that the image ever had.
    package var attempt: Int

    /// The `attempt`-th lease of the task's image.
    package init(task: TaskID, attempt: Int) {
        self.task = task
        self.attempt = attempt
    }

    package var description: String { "\(task)#\(attempt)" }
    package static func < (left: LeaseID, right: LeaseID) -> Bool {
        (left.task, left.attempt) < (right.task, right.attempt)
    }
}

/// The name of a stage as the model's cascade gives it: prior, base64, up256, up1024.
package struct StageName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The name's text.
    package var text: String

    /// The stage of that name.
    package init(_ text: String) { self.text = text }

    package var description: String { text }
    package static func < (left: StageName, right: StageName) -> Bool { left.text < right.text }
}

/// The lasting name of a worker; survives its process.
package struct WorkerID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The name's text.
    package var text: String

    /// The worker of that name.
    package init(_ text: String) { self.text = text }

    package var description: String { text }
    package static func < (left: WorkerID, right: WorkerID) -> Bool { left.text < right.text }
}

/// One life of a worker: its name and the nonce its process drew at start, so a restarted worker is a new
/// one.
package struct WorkerSession: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The worker's lasting name.
    package var worker: WorkerID
    /// Drawn at random when the process started.
    package var nonce: UInt64

    /// The life of `worker` that drew `nonce`.
    package init(worker: WorkerID, nonce: UInt64) {
        self.worker = worker
        self.nonce = nonce
    }

    package var description: String { "\(worker)~\(String(nonce, radix: 16))" }
    package static func < (left: WorkerSession, right: WorkerSession) -> Bool {
        (left.worker, left.nonce) < (right.worker, right.nonce)
    }
}

/// One coordinator's database for life. Job numbers, and so leases, mean something within one farm only: a
/// wiped data folder makes another farm that counts from 1 again.
package struct FarmID: Hashable, Sendable, CustomStringConvertible {
    /// Drawn at random when the database was made; never 0.
    package var number: UInt64

    /// The farm that drew `number`.
    package init(_ number: UInt64) { self.number = number }

    package var description: String { String(number, radix: 16) }
}

/// What makes a submission idempotent: the client draws it once and repeats it when it tries again.
package struct SubmissionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The first half of the 128 random bits.
    package var high: UInt64
    /// The second half.
    package var low: UInt64

    /// A submission named by 128 random bits.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package var description: String { String(high, radix: 16) + "-" + String(low, radix: 16) }
    package static func < (left: SubmissionID, right: SubmissionID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

/// Where an answer goes: the shell's number for one waiting request of one client.
package struct RequestID: Hashable, Comparable, Sendable {
    /// Drawn by the shell, never repeated while it runs.
    package var number: UInt64

    /// The request that the shell gave this number.
    package init(_ number: UInt64) { self.number = number }

    package static func < (left: RequestID, right: RequestID) -> Bool { left.number < right.number }
}
