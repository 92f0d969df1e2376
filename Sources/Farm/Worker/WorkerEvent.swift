/// What happens to a worker.
package enum WorkerEvent: Hashable, Sendable {
    /// Time went by; due at the latest at `WorkerMachine.nextTick`.
    case tick
    /// The coordinator said something.
    case order(WorkerOrder)
    /// A task's input is here and its hash was checked.
    case inputReady(LeaseID)
    /// A task's input cannot be had.
    case inputFailed(LeaseID, FailureKind, String)
    /// The engine advanced.
    case stepped(LeaseID, step: Int, steps: Int)
    /// The engine is done and the result is safe in the outbox.
    case finished(TaskResult)
    /// The engine gave up, or its result could not be kept.
    case stageFailed(LeaseID, FailureKind, String)
    /// The engine stopped because it was asked to.
    case interrupted(LeaseID)
    /// The coordinator has stored the result's blob.
    case uploaded(LeaseID)
    /// The coordinator will never take the result's blob.
    case uploadRefused(LeaseID, String)
    /// The process is asked to end once its running tasks are done and acknowledged.
    case drain
    /// The process is asked to end.
    case stop
}
