import Farm
import Testing

/// A worker that meets another farm than the one it worked for: leases repeat, what they mean does not.
@Suite struct OtherFarmTests {
    private let ours = FarmID(11)
    private let other = FarmID(12)
    private let key = ModelKey(name: "emoji", hash: .zero)
    private let blob = BlobID(.zero)

    private func at(_ milliseconds: Int64) -> Instant { Instant(milliseconds: milliseconds) }

    private func lease(_ number: Int) -> LeaseID {
        LeaseID(task: TaskID(image: ImageID(job: JobID(1), index: number), stage: 0), attempt: 1)
    }

    private func result(_ number: Int) -> TaskResult {
        TaskResult(lease: lease(number), blob: blob, pixels: nil, seconds: 1)
    }

    private func assign(_ number: Int) -> WorkerEvent {
        .order(
            .assign(
                Assignment(
                    lease: lease(number), model: key, stage: StageName("prior"),
                    request: ImageRequest(prompt: "cat", seed: 1, options: RenderOptions(size: 64)),
                    input: nil, isLast: false, leaseMilliseconds: 10_000)))
    }

    private func welcome(_ farm: FarmID, kept: [LeaseID] = []) -> WorkerEvent {
        .order(
            .welcome(
                Welcome(
                    protocolVersion: 1, blobPort: 9, heartbeatMilliseconds: 1000, graceMilliseconds: 5000,
                    farm: farm, kept: kept)))
    }

    private func hello(running: [LeaseID] = []) -> WorkerHello {
        let stage = AnnouncedStage(name: StageName("prior"), steps: 5, guidance: nil, size: nil)
        return WorkerHello(
            session: WorkerSession(worker: WorkerID("w"), nonce: 7), oldestProtocol: 1, newestProtocol: 1,
            models: [ModelAnnouncement(key: key, version: "0", stages: [stage])], running: running)
    }

    private func machine(outbox: [KeptResult] = []) -> WorkerMachine {
        var machine = WorkerMachine(hello: hello(), outbox: outbox, at: at(0))
        _ = machine.apply(.tick, at: at(0))
        return machine
    }

    @Test func resultsOfAnotherFarmAreDroppedAndOursAreReported() {
        var machine = machine(outbox: [
            KeptResult(farm: other, result: result(0)), KeptResult(farm: ours, result: result(1)),
        ])
        #expect(
            machine.apply(welcome(ours), at: at(1)) == [
                .disown(lease(0), other), .useBlobs(port: 9), .send(.completed(result(1))),
            ])
        #expect(machine.apply(.tick, at: at(2001)) == [.send(.heartbeat), .send(.completed(result(1)))])
    }

    @Test func leasesThatTheCoordinatorTookForItsOwnAreGivenBack() {
        var machine = machine(outbox: [KeptResult(farm: other, result: result(0))])
        #expect(
            machine.apply(welcome(ours, kept: [lease(0)]), at: at(1)) == [
                .disown(lease(0), other), .send(.hello(hello())),
            ])
        #expect(machine.apply(welcome(ours), at: at(2)) == [.useBlobs(port: 9)])
        #expect(machine.apply(assign(0), at: at(3)).last?.isRun == true)
    }

    @Test func workOfAnotherFarmStopsAndItsNumberIsDeclinedUntilItHas() {
        var machine = machine()
        _ = machine.apply(welcome(other), at: at(1))
        _ = machine.apply(assign(0), at: at(2))
        _ = machine.apply(assign(1), at: at(3))
        _ = machine.apply(.order(.helloAgain), at: at(4))
        #expect(
            machine.apply(welcome(ours, kept: [lease(0), lease(1)]), at: at(5)) == [
                .interrupt(lease(0)), .forget(lease(1)), .send(.hello(hello())),
            ])
        #expect(machine.apply(welcome(ours), at: at(6)) == [.useBlobs(port: 9)])
        let declined = machine.apply(assign(0), at: at(7))
        guard case .send(.failed(let failure))? = declined.first else {
            Issue.record("\(declined)")
            return
        }
        #expect(declined.count == 1)
        #expect(failure.kind == .declined)
        #expect(machine.apply(.finished(result(0)), at: at(8)) == [.forget(lease(0))])
        #expect(machine.apply(assign(0), at: at(9)).last?.isRun == true)
    }

    @Test func nothingIsReportedWhileTheFarmIsUnknown() {
        var machine = machine()
        _ = machine.apply(welcome(other), at: at(1))
        _ = machine.apply(assign(0), at: at(2))
        _ = machine.apply(.order(.helloAgain), at: at(3))
        #expect(machine.apply(.stepped(lease(0), step: 5, steps: 5), at: at(4)) == [])
        #expect(machine.apply(.finished(result(0)), at: at(5)) == [.upload(lease(0), blob)])
        #expect(machine.apply(.uploaded(lease(0)), at: at(6)) == [])
        var same = machine
        #expect(
            same.apply(welcome(other), at: at(7)) == [.useBlobs(port: 9), .send(.completed(result(0)))])
        #expect(
            machine.apply(welcome(ours), at: at(7)) == [.disown(lease(0), other), .useBlobs(port: 9)])
    }

    @Test func theCoordinatorTellsItsFarm() {
        var options = CoordinatorOptions()
        options.farm = ours
        var machine = CoordinatorMachine(options: options)
        guard case .send(_, .welcome(let welcome))? = machine.apply(.hello(hello()), at: at(0)).last else {
            Issue.record("not welcomed")
            return
        }
        #expect(welcome.farm == ours)
    }
}

extension WorkerEffect {
    fileprivate var isRun: Bool { if case .run = self { true } else { false } }
}
