/// A lease that a worker holds.
struct HeldTask: Hashable, Sendable {
    /// Where its work stands; each case names what it becomes.
    enum Phase: Hashable, Sendable {
        /// Input on its way. → ready, failed, forgotten
        case fetching
        /// Waits for the engine. → running, forgotten
        case ready
        /// On the engine. → uploading, failed, interrupting
        case running
        /// Told to stop, still on the engine. → forgotten
        case interrupting
        /// Result in the outbox, blob on its way. → reporting, failed, forgotten
        case uploading(TaskResult)
        /// Result told, verdict awaited. → uploading, forgotten
        case reporting(TaskResult)
        /// Failure told, acknowledgement awaited. → forgotten
        case failed(TaskFailure)
    }

    let lease: LeaseID
    /// The farm that gave the lease.
    let farm: FarmID
    /// Nil for results of an earlier life.
    let assignment: Assignment?
    var phase: Phase
    /// When the coordinator was last told about it.
    var told: Instant

    /// Whether it has, or will have, its turn on the engine.
    var needsEngine: Bool {
        switch phase {
        case .fetching, .ready, .running, .interrupting: true
        case .uploading, .reporting, .failed: false
        }
    }

    var isOnEngine: Bool { phase == .running || phase == .interrupting }
}
