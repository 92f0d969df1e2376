/// What a worker's shell must do, in order.
package enum WorkerEffect: Hashable, Sendable {
    /// Send to the coordinator; may be lost, the machine says it again where it matters.
    case send(WorkerReport)
    /// Close the control socket and open it anew.
    case reopen
    /// The blob socket is at this TCP port of the coordinator's host; begin unfinished transfers again.
    case useBlobs(port: Int)
    /// Fetch a task's input.
    case fetch(LeaseID, BlobID)
    /// Compute a stage for a farm.
    case run(Assignment, FarmID)
    /// Stop computing between two steps; the engine answers with one more event.
    case interrupt(LeaseID)
    /// Upload a result from the outbox.
    case upload(LeaseID, BlobID)
    /// Drop all that is kept for the lease: input, transfer, outbox entry.
    case forget(LeaseID)
    /// The same for a result of another farm than the coordinator's; it will never be reported.
    case disown(LeaseID, FarmID)
    /// The worker is done; with why, when the coordinator cannot use it.
    case end(reason: String?)
}
