import Farm

/// What the clients do.
extension World {
    private static let imagesPerMessage = 3

    /// Says again what was not answered, or looks again.
    func wakeClient(_ index: Int, _ serial: Int) {
        let client = clients[index]
        guard !client.isDone, client.serial == serial else { return }
        clients[index].number += 1
        clients[index].askedAt = now
        let request: ClientRequest
        switch client.step {
        case .submit: request = .submit(client.submission)
        case .images(let from):
            let images = Array(client.script.requests.dropFirst(from).prefix(World.imagesPerMessage))
            request = .submitImages(client.submission.id, first: from, images: images)
        case .end: request = .submitEnd(client.submission.id)
        case .watch(let job):
            // Whoever paused or cancelled a job lets it go on in the end.
            if now > scenario.faultsEnd, dice.chance(0.3) { control(job, .resume, by: index) }
            request = .status(job, revision: nil, waitMilliseconds: 0)
        case .done: return
        }
        ask(request, number: clients[index].number, by: index)
        planWake(index, after: dice.time(4_000...8_000))
    }

    /// A user's whim.
    func control(_ job: JobID, _ action: JobAction, by index: Int) {
        ask(.control(job, action), number: 0, by: index)
    }

    private func ask(_ request: ClientRequest, number: UInt64, by index: Int) {
        send(.request(number: number, request), from: .client(index), to: .coordinator, index)
    }

    func take(_ reply: ClientReply, number: UInt64, at index: Int) {
        let client = clients[index]
        note("client \(index) hears \(reply)")
        guard number == client.number || number == 0 else { return }
        switch (reply, client.step) {
        case (.submission(let state), .submit), (.submission(let state), .images),
            (.submission(let state), .end):
            if let job = state.job {
                clients[index].job = job
                clients[index].step = .watch(job)
            } else if state.received < client.script.requests.count {
                clients[index].step = .images(from: state.received)
            } else {
                clients[index].step = .end
            }
            wakeNow(index)
        case (.status(let status), .watch(let job)) where status.id == job,
            (.status(let status), .done(let job)) where status.id == job:
            take(status, of: job, isAnswer: number == client.number, at: index)
        case (.refused(let refusal), _):
            take(refusal, at: index)
        default: break
        }
    }

    /// A job is done when an answer to a question of quiet times says so. An order of its own may come later
    /// than that and open the job again: its answer says so.
    private func take(_ status: JobStatus, of job: JobID, isAnswer: Bool, at index: Int) {
        if let text = witness.judge(status) { fail(text) }
        let isOver = status.state == .finished || status.state == .cancelled
        if isOver, isAnswer, clients[index].askedAt > scenario.faultsEnd {
            clients[index].step = .done(job)
        } else if !isOver, clients[index].isDone {
            clients[index].step = .watch(job)
            planWake(index, after: dice.time(4_000...8_000))
        }
    }

    private func take(_ refusal: Refusal, at index: Int) {
        switch (refusal.code, clients[index].step) {
        case (.unavailable, _), (.conflict, .watch), (.conflict, .done): break
        // A draft that was dropped, or a message that overtook another: begin by asking.
        case (.notFound, .images), (.notFound, .end), (.conflict, .end), (.conflict, .images):
            clients[index].step = .submit
        default: fail("client \(index) in step \(clients[index].step) was refused: \(refusal)")
        }
    }

    /// Goes on at once.
    private func wakeNow(_ index: Int) {
        guard case .watch = clients[index].step else {
            clients[index].number += 1
            return planWake(index, after: dice.time(10...500))
        }
    }

    private func planWake(_ index: Int, after delay: Int64) {
        clients[index].serial += 1
        schedule(delay, .client(index, serial: clients[index].serial))
    }
}
