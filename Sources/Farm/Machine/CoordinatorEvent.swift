/// What happens to the coordinator.
package enum CoordinatorEvent: Hashable, Sendable {
    /// A worker introduces itself.
    case hello(WorkerHello)
    /// A worker is alive.
    case heartbeat(WorkerSession)
    /// A task advanced.
    case progress(WorkerSession, TaskProgress)
    /// A task is done; `blobStored` says whether its blob is on the coordinator's disk.
    case completed(WorkerSession, TaskResult, blobStored: Bool)
    /// A task failed.
    case failed(WorkerSession, TaskFailure)
    /// A worker leaves.
    case goodbye(WorkerSession)
    /// A message to this worker could not be sent. With a lease: that assignment did not leave.
    case undelivered(WorkerSession, LeaseID?)
    /// A client begins a submission or asks how far it came.
    case submit(RequestID, Submission)
    /// The next images of a submission.
    case submitImages(RequestID, SubmissionID, first: Int, images: [SubmittedImage])
    /// A submission is complete.
    case submitEnd(RequestID, SubmissionID)
    /// A client does something to a job.
    case control(RequestID, JobID, JobAction)
    /// Time passed.
    case tick
    /// The coordinator itself stood still for so many milliseconds: nobody is judged by that time.
    case resumed(after: Int64)
    /// Something stops new work (the text is for people), or nothing does any more.
    case trouble(String?)
    /// There is time for what earlier events left to do: `CoordinatorMachine.hasMore`.
    case proceed
}
