import Farm
import OrderedCollections

/// What goes wrong, and how it is made good.
extension World {
    /// Longest run of actions before a crash that was set.
    private static let longestFuse = 12

    func commitFault() {
        let fault = dice.pick(scenario.faults)
        let index = dice.draw(0...workers.count - 1)
        counts.faults += 1
        note("fault: \(fault), worker \(index)")
        switch fault {
        case .crashCoordinator: coordinator.fuse = dice.draw(0...World.longestFuse)
        case .crashWorker: workers[index].fuse = dice.draw(0...World.longestFuse)
        case .stopWorker: if workers[index].isUp { apply(dice.chance(0.5) ? .stop : .drain, at: index) }
        case .partition, .oneWayPartition:
            let isUp = fault == .partition || dice.chance(0.5)
            let isDown = fault == .partition || !isUp
            network.block(.worker(index), up: isUp, down: isDown, until: now + dice.time(500...40_000))
            if dice.chance(0.3) {
                network.block(
                    .client(dice.draw(0...clients.count - 1)), up: true, down: true, until: now + 20_000)
            }
        case .pauseWorker: workers[index].pausedUntil = now + dice.time(500...40_000)
        case .pauseCoordinator:
            if coordinator.pausedUntil <= now { coordinator.pausedSince = now }
            coordinator.pausedUntil = max(coordinator.pausedUntil, now + dice.time(500...25_000))
        case .coordinatorDiskFull: coordinator.isDiskFull.toggle()
        case .workerDiskFull: workers[index].isDiskFull.toggle()
        case .failedWrite: coordinator.failingWrites = dice.draw(1...3)
        case .lostBlob:
            guard let blob = intermediate() else { return }
            spoiltBlobs += 1
            coordinator.blobs[blob] = nil
        case .damagedBlob:
            guard let blob = intermediate(), let bytes = coordinator.blobs[blob] else { return }
            spoiltBlobs += 1
            coordinator.blobs[blob]?[dice.draw(0...bytes.count - 1)] ^= 1
        case .userAction:
            let client = dice.draw(0...clients.count - 1)
            guard let job = clients[client].job else { return }
            control(job, dice.pick([.pause, .resume, .cancel, .retry, .pause, .resume]), by: client)
        case .clockJump:
            // Wall time is read when the process starts.
            crashCoordinator()
            coordinator.clockOffset += dice.time(-3_600_000...3_600_000)
        }
    }

    /// An intermediate result that the coordinator's disk may lose or damage. Not one that is just being
    /// committed again, for a commit is judged by its blob.
    private func intermediate() -> BlobID? {
        var pending: Set<BlobID> = []
        for case .result(let done) in coordinator.changes { pending.insert(done.result.blob) }
        let candidates = coordinator.blobs.keys
            .filter { witness.intermediates.contains($0) && !pending.contains($0) }.sorted()
        return candidates.isEmpty ? nil : dice.pick(candidates)
    }

    /// Faults end: everything that can be repaired is.
    func makePeace() {
        note("peace")
        network.heal()
        coordinator.isDiskFull = false
        coordinator.failingWrites = 0
        coordinator.fuse = nil
        for index in workers.indices {
            workers[index].fuse = nil
            workers[index].isDiskFull = false
            // Some bad machines are mended, and the first is sound in the end.
            if index == 0 || dice.chance(0.5) {
                workers[index].temper.lies = 0
                workers[index].temper.fails = 0
                workers[index].temper.sticks = 0
            }
        }
    }
}
