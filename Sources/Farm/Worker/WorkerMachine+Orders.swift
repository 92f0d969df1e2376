/// What the coordinator says.
extension WorkerMachine {
    /// Takes one order.
    mutating func take(_ order: WorkerOrder, at now: Instant) -> [WorkerEffect] {
        switch (order, link) {
        case (.welcome(let welcome), _): return take(welcome, at: now)
        case (.helloAgain, .welcomed):
            link = .greeting(next: now, pause: WorkerMachine.firstPause)
            return apply(.tick, at: now)
        case (.refused(let reason), _):
            link = .ended
            return tasks.filter(\.isOnEngine).map { .interrupt($0.lease) } + [.end(reason: reason)]
        case (.goodbye, .welcomed):
            link = .greeting(
                next: now.advanced(by: WorkerMachine.firstPause), pause: WorkerMachine.firstPause)
            return []
        case (.assign(let assignment), .welcomed(let welcome)):
            return take(assignment, of: welcome.farm, at: now)
        case (.revoke(let lease), .welcomed): return revoke(lease)
        case (.acknowledged(let lease, let verdict), .welcomed): return take(verdict, of: lease, at: now)
        case (.heartbeat, _), (_, .greeting), (_, .ended): return []
        }
    }

    private mutating func take(_ welcome: Welcome, at now: Instant) -> [WorkerEffect] {
        link = .welcomed(welcome)
        beaten = now
        let kept = Set(welcome.kept)
        let foreign = tasks.filter { $0.farm != welcome.farm }
        var effects: [WorkerEffect] = []
        for task in foreign { effects += disown(task) }
        if foreign.contains(where: { kept.contains($0.lease) }) {
            // The coordinator took a lease for one of its own; a hello without it gives it back.
            link = .greeting(next: now, pause: WorkerMachine.firstPause)
            return effects + apply(.tick, at: now)
        }
        effects.append(.useBlobs(port: welcome.blobPort))
        for lease in tasks.map(\.lease) {
            guard let index = index(of: lease) else { continue }
            if let report = tasks[index].report {
                tasks[index].told = now
                effects.append(.send(report))
            } else if !kept.contains(lease) {
                effects += revoke(lease)
            }
        }
        return effects
    }

    /// Drops a task of another farm.
    private mutating func disown(_ task: HeldTask) -> [WorkerEffect] {
        switch task.phase {
        case .uploading, .reporting:
            tasks.removeAll { $0.lease == task.lease }
            return [.disown(task.lease, task.farm)]
        case .fetching, .ready, .running, .interrupting, .failed: return revoke(task.lease)
        }
    }

    private mutating func take(_ assignment: Assignment, of farm: FarmID, at now: Instant) -> [WorkerEffect] {
        let lease = assignment.lease
        if let index = index(of: lease) {
            if tasks[index].farm == farm { return [] }
            // The engine still stops the other farm's task of that number.
            let failure = TaskFailure(
                lease: lease, kind: .declined, message: "The worker still stops a task of another farm.")
            return [.send(.failed(failure))]
        }
        var task = HeldTask(lease: lease, farm: farm, assignment: assignment, phase: .ready, told: now)
        defer { tasks.append(task) }
        if isDraining { return decline(&task, .declined, WorkerMachine.drainText) }
        if tasks.filter(\.needsEngine).count >= introduction.slots + WorkerMachine.mostQueued {
            return decline(
                &task, .declined, "The worker has as many tasks as it can hold; give it to another.")
        }
        guard let model = introduction.models.first(where: { $0.key == assignment.model }) else {
            return decline(&task, .application, "The worker does not have the model \(assignment.model).")
        }
        guard model.stages.contains(where: { $0.name == assignment.stage }) else {
            return decline(
                &task, .application, "The model \(assignment.model) has no stage \(assignment.stage).")
        }
        guard let input = assignment.input else { return [] }
        task.phase = .fetching
        let progress = TaskProgress(lease: lease, phase: .loading, step: 0, steps: 0)
        return [.send(.progress(progress)), .fetch(lease, input)]
    }

    private func decline(_ task: inout HeldTask, _ kind: FailureKind, _ message: String) -> [WorkerEffect] {
        let failure = TaskFailure(lease: task.lease, kind: kind, message: message)
        task.phase = .failed(failure)
        return [.send(.failed(failure))]
    }

    private mutating func revoke(_ lease: LeaseID) -> [WorkerEffect] {
        guard let index = index(of: lease) else { return [] }
        switch tasks[index].phase {
        case .running:
            tasks[index].phase = .interrupting
            return [.interrupt(lease)]
        // What is finished stays until the coordinator's verdict on it: it may still be wanted.
        case .interrupting, .uploading, .reporting: return []
        case .fetching, .ready, .failed: return forget(lease)
        }
    }

    private mutating func take(_ verdict: Verdict, of lease: LeaseID, at now: Instant) -> [WorkerEffect] {
        guard let index = index(of: lease) else { return [] }
        switch (verdict, tasks[index].phase) {
        case (.blobMissing, .reporting(let result)):
            tasks[index].phase = .uploading(result)
            tasks[index].told = now
            return [.upload(lease, result.blob)]
        case (.committed, .reporting), (.duplicate, .reporting), (.fenced, .reporting), (_, .failed),
            (.fenced, .uploading), (.duplicate, .uploading), (.committed, .uploading):
            return forget(lease)
        case (_, .fetching), (_, .ready), (_, .running), (_, .interrupting), (.blobMissing, .uploading):
            return []
        }
    }
}

extension HeldTask {
    /// What is told until it is acknowledged.
    var report: WorkerReport? {
        switch phase {
        case .reporting(let result): .completed(result)
        case .failed(let failure): .failed(failure)
        case .fetching, .ready, .running, .interrupting, .uploading: nil
        }
    }

    /// Whether something is told until it is acknowledged.
    var isTold: Bool { report != nil }
}
