/// What the coordinator remembers of one image; prompt, seed and results live in the store.
package struct ImageRow: Hashable, Sendable {
    /// What it is doing.
    package var state: ImageState = .waiting
    /// Whether a worker has its current task.
    package var leased = false
    /// Stages done, so also the place of the current one.
    package var stage: UInt8 = 0
    /// Failed attempts of the current stage.
    package var failures: UInt8 = 0
    /// Workers lost or stuck with the current stage.
    package var losses: UInt8 = 0
    /// How often an earlier stage had to run again because its blob was gone.
    package var rollbacks: UInt8 = 0
    /// Which of the job's variants it asks for.
    package var variant: UInt16
    /// The last attempt given, over all its stages; fences the earlier ones.
    package var attempt: UInt16 = 0

    /// An image of which nothing has begun.
    package init(variant: UInt16) { self.variant = variant }

    /// Whether work on it goes on.
    package var isOpen: Bool { state == .waiting || state == .running }

    /// Says waiting or running as the other fields have it.
    mutating func settle() {
        if isOpen { state = stage > 0 || leased ? .running : .waiting }
    }

    /// Begins again at its first stage, for the blobs of the others are gone, with a clean slate.
    mutating func reopen() {
        state = .waiting
        stage = 0
        failures = 0
        losses = 0
        rollbacks = 0
    }
}
