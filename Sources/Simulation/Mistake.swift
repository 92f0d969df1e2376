import Farm
import OrderedCollections

/// Mistakes that a farm could have in it. Each is planted between the real parts of the simulated farm, to
/// see that the rules notice.
package enum Mistake: String, CaseIterable, Sendable {
    /// The attempt of a result is not compared: the late one is committed too.
    case commitsFencedAttempts
    /// A result is written a second time.
    case commitsTwice
    /// Messages leave before the turn is on disk.
    case speaksBeforeCommit
    /// The store misses that a lease was given.
    case leavesLeasesUnwritten
    /// The store misses that an image's row changed.
    case leavesRowsUnwritten
    /// Time does not pass for leases.
    case neverExpires
    /// Progress renews no lease.
    case neverRenews
    /// A failure is acknowledged and forgotten.
    case dropsFailures
    /// No worker is ever excluded.
    case excludesNobody
    /// A task goes to two workers under one lease.
    case assignsTwice
    /// A result counts although its blob never came.
    case trustsWithoutBlob
    /// A blob is stored without a look at its hash.
    case storesUnchecked
    /// A blob gets its name before its bytes are durable.
    case namesUnsyncedBlobs
    /// A worker's outbox is empty after a restart.
    case forgetsOutbox
    /// A worker drops its result once it was told, before the verdict.
    case forgetsBeforeVerdict
    /// A worker tells its results only once.
    case neverRepeats
    /// Pictures of different seeds are taken for the same.
    case sharesAcrossSeeds
    /// An image that waits for another's stage is forgotten when that one ends.
    case forgetsTwins
    /// The coordinator does not see that tasks are the same.
    case computesTwins
    /// A stored blob is never looked at again, though the disk damaged it.
    case trustsDamagedBlobs
}

extension World {
    /// What a mistaken coordinator makes of an event.
    func distorted(_ event: CoordinatorEvent) -> [CoordinatorEvent] {
        switch (mistake, event) {
        case (.neverExpires, .tick), (.neverRenews, .progress): return []
        case (.dropsFailures, .failed(let session, let failure)):
            queue(.send(session, .acknowledged(failure.lease, .committed)))
            return []
        case (.commitsFencedAttempts, .completed(let session, var result, let stored)):
            let task = result.lease.task
            let leases = coordinator.machine.heldLeases
            if let current = leases.first(where: { $0.id.task == task }) { result.lease = current.id }
            return [.completed(session, result, blobStored: stored)]
        default: return [event]
        }
    }

    /// What a mistaken coordinator makes of its decisions.
    func distorted(_ effects: [CoordinatorEffect]) -> [CoordinatorEffect] {
        guard let mistake else { return effects }
        return effects.flatMap { effect -> [CoordinatorEffect] in
            switch (mistake, effect) {
            case (.commitsTwice, .persist(.result)): [effect, effect]
            case (.leavesLeasesUnwritten, .persist(.leased)): []
            case (.leavesRowsUnwritten, .persist(.image(_, let row))) where row.failures + row.losses > 0: []
            case (.assignsTwice, .assign(let session, let dispatch)):
                [effect]
                    + coordinator.routes.keys.filter { $0 != session }.prefix(1).map { .assign($0, dispatch) }
            default: [effect]
            }
        }
    }

    /// What a mistaken worker makes of its decisions.
    func distorted(_ effects: [WorkerEffect], after event: WorkerEvent) -> [WorkerEffect] {
        switch mistake {
        case .forgetsBeforeVerdict:
            effects.flatMap { effect -> [WorkerEffect] in
                if case .send(.completed(let result)) = effect {
                    [effect, .forget(result.lease)]
                } else {
                    [effect]
                }
            }
        case .neverRepeats:
            effects.filter { effect in
                guard case .send(.completed) = effect else { return true }
                if case .uploaded = event { return true }
                return false
            }
        default: effects
        }
    }
}
