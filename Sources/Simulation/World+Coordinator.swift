import Farm
import OrderedCollections

/// The coordinator's shell: messages in, one transaction, messages out, as the real one has it.
extension World {
    /// Milliseconds between two looks at the clock.
    private static let tick: Int64 = 1_000
    /// Messages taken in one turn at most.
    private static let messagesPerTurn = 8

    /// The coordinator's clock.
    var coordinatorTime: Instant { Instant(milliseconds: now + coordinator.clockOffset) }

    func startCoordinator() {
        guard !coordinator.isUp else { return }
        // Wall time is read when the process starts; it may have been set meanwhile.
        let clockOffset = coordinator.clockOffset == 0 ? 1_700_000_000_000 : coordinator.clockOffset
        var fresh = CoordinatorNode(store: coordinator.store)
        fresh.blobs = coordinator.blobs
        fresh.incoming = coordinator.incoming
        fresh.isDiskFull = coordinator.isDiskFull
        fresh.life = coordinator.life + 1
        fresh.lastRequest = coordinator.lastRequest
        fresh.clockOffset = clockOffset
        fresh.isUp = true
        // Each start may be of the former or of the present release.
        fresh.protocolVersions = 1...dice.pick([1, 2, 2])
        fresh.nextTick = now
        coordinator = fresh
        do throws(StoreFailure) {
            let snapshot = try coordinator.store.load()
            var options = scenario.options
            options.protocolVersions = coordinator.protocolVersions
            if mistake == .excludesNobody { options.failuresToExclude = .max }
            coordinator.machine = CoordinatorMachine(
                options: options, restoring: snapshot, at: coordinatorTime)
            witness.coordinatorStarted(with: snapshot, at: coordinatorTime)
        } catch {
            return fail("the coordinator cannot load its state: \(error.text)")
        }
        note("coordinator starts, life \(coordinator.life)")
        checkCoordinator()
        schedule(0, .coordinatorTurn(life: coordinator.life))
    }

    func crashCoordinator() {
        guard coordinator.isUp else { return }
        note("coordinator crashes")
        counts.crashes += 1
        coordinator.isUp = false
        coordinator.inbox = []
        for blob in coordinator.incoming.keys.sorted() where dice.chance(0.5) {
            // What was not made durable is cut or overwritten with zeros.
            guard var bytes = coordinator.incoming[blob] else { continue }
            let kept = dice.draw(0...bytes.count)
            if dice.chance(0.5) {
                bytes.removeSubrange(kept...)
            } else {
                for place in kept..<bytes.count { bytes[place] = 0 }
            }
            coordinator.incoming[blob] = bytes
        }
        if mistake == .namesUnsyncedBlobs {
            for blob in coordinator.blobs.keys.sorted() where dice.chance(0.3) {
                coordinator.blobs[blob] = nil
            }
        }
        schedule(dice.time(100...20_000), .startCoordinator)
    }

    /// One action is over; true when it was the last before a crash.
    func coordinatorBurns() -> Bool {
        guard let fuse = coordinator.fuse else { return false }
        coordinator.fuse = fuse - 1
        guard fuse <= 0 else { return false }
        crashCoordinator()
        return true
    }

    func wakeCoordinator() {
        guard coordinator.isUp, !coordinator.isTurnDue else { return }
        coordinator.isTurnDue = true
        schedule(0, .coordinatorTurn(life: coordinator.life))
    }

    func takeTurn(_ life: Int) {
        guard coordinator.isUp, coordinator.life == life else { return }
        if now < coordinator.pausedUntil {
            return schedule(coordinator.pausedUntil - now, .coordinatorTurn(life: life))
        }
        coordinator.isTurnDue = false
        let pause = coordinator.pausedUntil - coordinator.pausedSince
        coordinator.pausedSince = coordinator.pausedUntil
        if pause > scenario.options.longestTurn { apply(.resumed(after: pause)) }
        for _ in 0..<dice.draw(1...World.messagesPerTurn) where !coordinator.inbox.isEmpty {
            let (peer, message) = coordinator.inbox.removeFirst()
            take(message, from: peer)
            guard coordinator.isUp, coordinator.life == life else { return }
        }
        if hasMore { apply(.proceed) }
        if now >= coordinator.nextTick {
            coordinator.nextTick = now + World.tick
            schedule(World.tick, .coordinatorTurn(life: life))
            apply(.tick)
            for session in coordinator.routes.keys where !coordinator.machine.knows(session) {
                if let route = coordinator.routes.removeValue(forKey: session) {
                    coordinator.peers[route.peer] = nil
                }
            }
            if coordinator.diskTrouble != nil, !coordinator.isDiskFull {
                coordinator.diskTrouble = nil
                apply(.trouble(coordinator.stall))
            }
        }
        settle()
        guard coordinator.isUp, coordinator.life == life else { return }
        checkCoordinator()
        if !coordinator.inbox.isEmpty || hasMore { wakeCoordinator() }
    }

    /// Whether the machine has work left and may decide.
    private var hasMore: Bool {
        coordinator.stall == nil && coordinator.machine.hasMore && mistake != .forgetsTwins
    }

    /// Lets the machine decide; what it wants is done when the turn is settled.
    func apply(_ event: CoordinatorEvent) {
        let taken = distorted(event)
        if taken.isEmpty, let text = witness.judge(event, [], at: coordinatorTime) { fail(text) }
        for changed in taken {
            var machine = coordinator.machine
            coordinator.machine = CoordinatorMachine()
            let effects = distorted(machine.apply(changed, at: coordinatorTime))
            coordinator.machine = machine
            note("coordinator \(event) -> \(effects)")
            if let text = witness.judge(event, effects, at: coordinatorTime) { fail(text) }
            for effect in effects { queue(effect) }
        }
    }

    /// Keeps what was decided until the turn is settled.
    func queue(_ effect: CoordinatorEffect) {
        checkRelease(effect)
        switch effect {
        case .persist(let change): coordinator.changes.append(change)
        case .notice: break
        case .send, .assign, .reply: coordinator.outgoing.append(effect)
        }
    }

    /// Who is told that a lease has ended holds it no more. Looked at when it is decided: a greeting of the
    /// same turn, sent before, may bring the lease back.
    private func checkRelease(_ effect: CoordinatorEffect) {
        guard case .send(let session, .acknowledged(let lease, let verdict)) = effect,
            verdict != .blobMissing, coordinator.machine.holds(session.worker, lease)
        else { return }
        fail("\(lease) is acknowledged to \(session) and still held by it")
    }

    /// Commits what was decided, then lets the messages go. What cannot be delivered is decided anew.
    private func settle() {
        let life = coordinator.life
        while !coordinator.changes.isEmpty || !coordinator.outgoing.isEmpty {
            if mistake != .speaksBeforeCommit {
                guard commit() else { return }
            }
            let messages = coordinator.outgoing
            coordinator.outgoing = []
            perform(messages)
            guard coordinator.isUp, coordinator.life == life else { return }
            if mistake == .speaksBeforeCommit {
                guard commit() else { return }
            }
            guard coordinator.isUp, coordinator.life == life else { return }
        }
    }

    /// False when nothing may leave: the disk refused, or the coordinator crashed.
    private func commit() -> Bool {
        if coordinatorBurns() { return false }
        if coordinator.isDiskFull || coordinator.failingWrites > 0 {
            if coordinator.failingWrites > 0 { coordinator.failingWrites -= 1 }
            if coordinator.stall == nil {
                coordinator.stall = "The disk is full."
                apply(.trouble(coordinator.stall))
                for (peer, number) in coordinator.waiting.values { refuse(peer, number) }
                coordinator.waiting = [:]
            }
            return false
        }
        do throws(StoreFailure) {
            try coordinator.store.commit(coordinator.changes)
        } catch {
            fail("the store refused: \(error.text)")
            return false
        }
        witness.noteDurable(coordinator.changes)
        for case .shared(let shared) in coordinator.changes { counts.shared += shared.stages.count }
        let results = coordinator.changes.compactMap { change in
            if case .result(let done) = change { done } else { nil }
        }
        let written = coordinator.changes
        coordinator.changes = []
        counts.commits += results.count
        trace.stir(results.count)
        for done in results { checkCommit(done) }
        if coordinatorBurns() { return false }
        removeIntermediates(after: written)
        if coordinator.stall != nil {
            coordinator.stall = nil
            apply(.trouble(coordinator.diskTrouble))
        }
        return true
    }

    private func removeIntermediates(after changes: [CoordinatorChange]) {
        do throws(StoreFailure) {
            for blob in try coordinator.store.disposable(after: changes) { coordinator.blobs[blob] = nil }
        } catch {
            fail("the store refused: \(error.text)")
        }
    }

    /// Ends early when the coordinator crashes meanwhile.
    private func perform(_ effects: [CoordinatorEffect]) {
        var orders: OrderedDictionary<WorkerSession, [WorkerOrder]> = [:]
        for effect in effects {
            guard !coordinatorBurns() else { return }
            switch effect {
            case .persist, .notice: break
            case .send(let session, let order):
                if case .acknowledged(let lease, let verdict) = order {
                    if let text = witness.judge(lease, verdict) { fail(text) }
                }
                orders[session, default: []].append(order)
            case .assign(let session, let dispatch):
                if let assignment = assignment(dispatch) {
                    orders[session, default: []].append(.assign(assignment))
                } else {
                    apply(.undelivered(session, dispatch.lease))
                }
            case .reply(let request, let reply):
                guard let (peer, number) = coordinator.waiting.removeValue(forKey: request) else { continue }
                if case .submission(let state) = reply, let job = state.job, !witness.isDurable(job) {
                    fail("job \(job) was confirmed before it was on disk")
                }
                send(.reply(number: number, reply), from: .coordinator, to: peer.party, peer.connection)
            }
        }
        for (session, orders) in orders {
            guard !coordinatorBurns() else { return }
            deliver(orders, to: session)
        }
    }

    private func assignment(_ dispatch: Dispatch) -> Assignment? {
        do throws(StoreFailure) {
            return try coordinator.store.request(of: dispatch.lease.task.image, options: dispatch.options)
                .map { Assignment(dispatch, $0) }
        } catch {
            fail("the store refused: \(error.text)")
            return nil
        }
    }

    /// What a worker's connection that is known to be gone does not take is decided anew.
    private func deliver(_ orders: [WorkerOrder], to session: WorkerSession) {
        if let route = coordinator.routes[session], send(orders, to: route.peer, version: route.version) {
            return
        }
        for order in orders where order != .heartbeat { apply(.undelivered(session, order.assignedLease)) }
    }

    /// False when the worker's connection is known to be gone.
    @discardableResult
    func send(_ orders: [WorkerOrder], to peer: Peer, version: Int) -> Bool {
        guard case .worker(let index) = peer.party, workers[index].isUp,
            workers[index].connection == peer.connection
        else { return false }
        send(
            orders.map { .order($0) }, from: .coordinator, to: peer.party, peer.connection, version: version)
        return true
    }

    func refuse(_ peer: Peer, _ number: UInt64) {
        let refusal = Refusal(.unavailable, coordinator.stall ?? "")
        send(.reply(number: number, .refused(refusal)), from: .coordinator, to: peer.party, peer.connection)
    }
}
