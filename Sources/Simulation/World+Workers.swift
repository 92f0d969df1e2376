import Farm
import OrderedCollections

/// The workers' shell: as the real one, with the engine's stand-in.
extension World {
    func workerTime(_ index: Int) -> Instant {
        let worker = workers[index]
        return Instant(milliseconds: Int64(Double(now - worker.born) * worker.temper.clockRate))
    }

    func startWorker(_ index: Int) {
        guard !workers[index].isUp else { return }
        var fresh = WorkerNode(index: index, temper: workers[index].temper)
        fresh.outbox = workers[index].outbox
        fresh.isDiskFull = workers[index].isDiskFull
        fresh.life = workers[index].life + 1
        fresh.wakeSerial = workers[index].wakeSerial
        fresh.isUp = true
        fresh.born = now
        fresh.connection = newConnection()
        if mistake == .forgetsOutbox, fresh.life > 1 { fresh.outbox = [:] }
        let kept = fresh.outbox.values.map(\.result)
        let session = WorkerSession(worker: WorkerID("w\(index)"), nonce: dice.bits())
        let hello = WorkerHello(
            session: session, oldestProtocol: 1, newestProtocol: fresh.temper.newestProtocol,
            slots: fresh.temper.slots,
            models: fresh.temper.models.map { Models.all[$0] })
        fresh.machine = WorkerMachine(hello: hello, outbox: kept, at: Instant(milliseconds: 0))
        workers[index] = fresh
        note("worker \(index) starts, life \(fresh.life), with \(kept.count) results")
        if let text = witness.judge(outbox: fresh.outbox.keys.elements, of: index) { fail(text) }
        apply(.tick, at: index)
    }

    func crashWorker(_ index: Int) {
        guard workers[index].isUp else { return }
        note("worker \(index) crashes")
        counts.crashes += 1
        workers[index].isUp = false
        schedule(dice.time(100...30_000), .startWorker(index))
    }

    private func burns(_ index: Int) -> Bool {
        guard let fuse = workers[index].fuse else { return false }
        workers[index].fuse = fuse - 1
        guard fuse <= 0 else { return false }
        crashWorker(index)
        return true
    }

    /// Whether worker `index` is the one that lived when something was set for it.
    private func lives(_ index: Int, _ life: Int) -> Bool {
        workers[index].isUp && workers[index].life == life
    }

    /// Time goes by for a worker. A stopped process finds it late.
    func wakeWorker(_ index: Int, _ serial: Int) {
        guard workers[index].isUp, workers[index].wakeSerial == serial else { return }
        if now < workers[index].pausedUntil {
            return schedule(workers[index].pausedUntil - now, .worker(index, serial: serial))
        }
        let life = workers[index].life
        workers[index].wakes = .max
        apply(.tick, at: index)
        guard lives(index, life), workers[index].blobConnection != nil else { return }
        let time = workerTime(index)
        if let request = workers[index].transfers.tick(at: time) { send(request, from: index) }
        planWake(index)
    }

    func take(_ order: WorkerOrder, at index: Int, _ connection: Int) {
        guard workers[index].isUp, workers[index].connection == connection else { return }
        apply(.order(order), at: index)
    }

    func take(_ reply: BlobReply, at index: Int, _ connection: Int) {
        guard workers[index].isUp, workers[index].blobConnection == connection else { return }
        let outcome = workers[index].transfers.take(reply, at: workerTime(index)) { Content.name(of: $0) }
        if let event = outcome.event { apply(event, at: index) }
        guard workers[index].isUp else { return }
        if let request = outcome.request { send(request, from: index) }
        planWake(index)
    }

    func apply(_ event: WorkerEvent, at index: Int) {
        let life = workers[index].life
        let time = workerTime(index)
        guard let effects = workers[index].machine?.apply(event, at: time) else { return }
        if event != .tick || !effects.isEmpty { note("worker \(index) \(event) -> \(effects)") }
        for effect in distorted(effects, after: event) {
            guard !burns(index) else { return }
            perform(effect, at: index, after: event)
            guard lives(index, life) else { return }
        }
        sendReports(of: index)
        planWake(index)
    }

    private func sendReports(of index: Int) {
        let messages = workers[index].outgoing.map { FarmMessage.report($0) }
        workers[index].outgoing = []
        send(
            messages, from: .worker(index), to: .coordinator, workers[index].connection,
            version: workers[index].machine?.protocolVersion ?? 1)
    }

    private func perform(_ effect: WorkerEffect, at index: Int, after event: WorkerEvent) {
        let time = workerTime(index)
        switch effect {
        case .send(let report): workers[index].outgoing.append(report)
        case .reopen:
            sendReports(of: index)
            workers[index].connection = newConnection()
        case .useBlobs:
            workers[index].blobConnection = newConnection()
            workers[index].transfers.reconnect(at: time)
        case .fetch(let lease, let blob): workers[index].transfers.fetch(lease, blob, at: time)
        case .run(let assignment, let farm):
            let input = workers[index].transfers.takeInput(assignment.lease)
            workers[index].engine.queue.append(
                Engine.Stage(assignment: assignment, farm: farm, input: input))
            startEngine(index)
        case .interrupt(let lease): workers[index].engine.interrupted.append(lease)
        case .upload(let lease, let blob):
            if let kept = workers[index].outbox[lease] {
                workers[index].transfers.upload(lease, blob, bytes: kept.bytes, at: time)
            } else {
                apply(.uploadRefused(lease, "The result is gone from the worker's outbox."), at: index)
            }
        case .forget(let lease), .disown(let lease, _):
            workers[index].transfers.drop(lease, at: time)
            workers[index].outbox[lease] = nil
            if let text = witness.judge(forgotten: lease, by: index, after: event) { fail(text) }
        case .end(let reason):
            sendReports(of: index)
            note("worker \(index) ends: \(reason ?? "asked to")")
            workers[index].isUp = false
            schedule(dice.time(1_000...60_000), .startWorker(index))
        }
    }

    private func send(_ request: BlobRequest, from index: Int) {
        guard let connection = workers[index].blobConnection else { return }
        send(.blobRequest(request), from: .worker(index), to: .coordinator, connection)
    }

    /// Lets the worker wake when it next has something to do.
    private func planWake(_ index: Int) {
        guard workers[index].isUp, var next = workers[index].machine?.nextTick else { return }
        if workers[index].blobConnection != nil { next = min(next, workers[index].transfers.nextTick) }
        guard next.milliseconds < .max else { return }
        let own = next.milliseconds(since: workerTime(index))
        let at = now + max(1, Int64(Double(own) / workers[index].temper.clockRate) + 1)
        guard at < workers[index].wakes else { return }
        workers[index].wakes = at
        workers[index].wakeSerial += 1
        schedule(at - now, .worker(index, serial: workers[index].wakeSerial))
    }

    // MARK: The engine

    private func startEngine(_ index: Int) {
        guard workers[index].engine.running == nil, !workers[index].engine.queue.isEmpty else { return }
        let stage = workers[index].engine.queue.removeFirst()
        let assignment = stage.assignment
        let temper = workers[index].temper
        let key = StageKey(model: assignment.model, stage: assignment.stage)
        let isResident = workers[index].engine.resident.contains(key)
        workers[index].engine.resident.removeAll { $0 == key }
        workers[index].engine.resident.append(key)
        if workers[index].engine.resident.count > Engine.room { workers[index].engine.resident.removeFirst() }
        let announced = Models.all.first { $0.key == assignment.model }?.stages
            .first { $0.name == assignment.stage }
        let override = assignment.request.options.steps.first { $0.stage == assignment.stage }
        workers[index].engine.running = Engine.Running(
            stage: stage, fate: fate(of: assignment.request, at: temper), step: -1,
            steps: override?.steps ?? announced?.steps ?? 1,
            loadMilliseconds: isResident ? 0 : temper.loadMilliseconds,
            stepMilliseconds: Models.stepMilliseconds(assignment.stage) * Int64(temper.slowness))
        planStep(index, after: isResident ? 0 : temper.loadMilliseconds)
    }

    private func fate(of request: ImageRequest, at temper: Temper) -> Engine.Fate {
        if let poison = scenario.poison, poison.hits(request) { return poison.kills ? .kills : .fails }
        if dice.chance(temper.sticks) { return .sticks }
        return dice.chance(temper.fails) ? .fails : .ends
    }

    private func planStep(_ index: Int, after delay: Int64) {
        workers[index].engine.serial += 1
        let serial = workers[index].engine.serial
        schedule(delay, .engine(index, life: workers[index].life, serial: serial))
    }

    func stepEngine(_ index: Int, _ life: Int, _ serial: Int) {
        guard lives(index, life), workers[index].engine.serial == serial else { return }
        if now < workers[index].pausedUntil {
            return planStep(index, after: workers[index].pausedUntil - now)
        }
        guard var running = workers[index].engine.running else { return }
        let lease = running.stage.assignment.lease
        running.step += 1
        workers[index].engine.running = running
        switch running.fate {
        case .sticks where running.step >= 1: return
        case .fails where running.step >= 1:
            return endStage(index, .stageFailed(lease, .application, "There is not enough memory."))
        case .kills where running.step >= 1: return crashWorker(index)
        case .ends, .sticks, .fails, .kills: break
        }
        if running.step > 0 {
            apply(.stepped(lease, step: running.step, steps: running.steps), at: index)
            guard lives(index, life) else { return }
        }
        if workers[index].engine.interrupted.contains(lease) { return endStage(index, .interrupted(lease)) }
        guard running.step >= running.steps else { return planStep(index, after: running.stepMilliseconds) }
        keep(running, at: index)
    }

    /// The engine's thread puts its result into the outbox, then says so.
    private func keep(_ running: Engine.Running, at index: Int) {
        let assignment = running.stage.assignment
        var bytes = Content.result(
            assignment.request, model: assignment.model, stage: assignment.stage, input: running.stage.input,
            isLast: assignment.isLast)
        if dice.chance(workers[index].temper.lies) { bytes[bytes.count - 1] ^= UInt8(dice.draw(1...255)) }
        guard !burns(index) else { return }
        if workers[index].isDiskFull {
            return endStage(index, .stageFailed(assignment.lease, .declined, "The worker's disk is full."))
        }
        let result = TaskResult(
            lease: assignment.lease, blob: Content.name(of: bytes),
            pixels: assignment.isLast ? Content.pixels(of: bytes) : nil,
            seconds: Double(Int64(running.steps) * running.stepMilliseconds) / 1000,
            loadSeconds: Double(running.loadMilliseconds) / 1000)
        let kept = KeptResult(farm: running.stage.farm, result: result)
        workers[index].outbox[assignment.lease] = WorkerNode.Kept(result: kept, bytes: bytes)
        witness.noteKept(assignment.lease, by: index)
        guard !burns(index) else { return }
        endStage(index, .finished(result))
    }

    private func endStage(_ index: Int, _ event: WorkerEvent) {
        guard let lease = workers[index].engine.running?.stage.assignment.lease else { return }
        workers[index].engine.running = nil
        workers[index].engine.interrupted.removeAll { $0 == lease }
        let life = workers[index].life
        apply(event, at: index)
        if lives(index, life) { startEngine(index) }
    }
}
