import Farm
import Testing

@Suite struct WorkerMachineTests {
    private let key: ModelKey
    private let hello: WorkerHello
    private let blob = BlobID(.zero)
    private let farm = FarmID(11)

    init() throws {
        key = ModelKey(name: "emoji", hash: .zero)
        let stages = ["prior", "base64"].map {
            AnnouncedStage(name: StageName($0), steps: 5, guidance: nil, size: $0 == "base64" ? 64 : nil)
        }
        hello = WorkerHello(
            session: WorkerSession(worker: WorkerID("w"), nonce: 7), oldestProtocol: 1, newestProtocol: 1,
            models: [ModelAnnouncement(key: key, version: "0", stages: stages)])
    }

    private func at(_ milliseconds: Int64) -> Instant { Instant(milliseconds: milliseconds) }

    private func lease(_ number: Int, attempt: Int = 1) -> LeaseID {
        LeaseID(task: TaskID(image: ImageID(job: JobID(1), index: number), stage: 0), attempt: attempt)
    }

    private func assignment(_ lease: LeaseID, input: BlobID? = nil, stage: String = "prior") -> Assignment {
        let request = ImageRequest(prompt: "cat", seed: 1, options: RenderOptions(size: 64))
        return Assignment(
            lease: lease, model: key, stage: StageName(stage), request: request, input: input, isLast: false,
            leaseMilliseconds: 10_000)
    }

    private func welcome(kept: [LeaseID] = []) -> WorkerOrder {
        .welcome(
            Welcome(
                protocolVersion: 1, blobPort: 9, heartbeatMilliseconds: 1000, graceMilliseconds: 5000,
                farm: farm, kept: kept))
    }

    private func result(_ lease: LeaseID) -> TaskResult {
        TaskResult(lease: lease, blob: blob, pixels: nil, seconds: 1)
    }

    private func kept(_ lease: LeaseID) -> KeptResult {
        KeptResult(farm: farm, result: result(lease))
    }

    private func progress(_ lease: LeaseID, _ phase: TaskPhase, _ step: Int = 0, _ steps: Int = 0)
        -> WorkerEffect
    {
        .send(.progress(TaskProgress(lease: lease, phase: phase, step: step, steps: steps)))
    }

    private func welcomed(outbox: [KeptResult] = []) -> WorkerMachine {
        var machine = WorkerMachine(hello: hello, outbox: outbox, at: at(0))
        _ = machine.apply(.tick, at: at(0))
        _ = machine.apply(.order(welcome()), at: at(0))
        return machine
    }

    @Test func saysHelloWithGrowingPausesUntilWelcomed() {
        var machine = WorkerMachine(hello: hello, outbox: [], at: at(0))
        var times: [Int64] = []
        while times.count < 8 {
            let next = machine.nextTick
            if machine.apply(.tick, at: next) == [.send(.hello(hello))] { times.append(next.milliseconds) }
        }
        #expect(times == [0, 250, 750, 1750, 3750, 7750, 12_750, 17_750])
        #expect(machine.apply(.order(welcome()), at: at(18_000)) == [.useBlobs(port: 9)])
    }

    @Test func runsATaskFromInputToAcknowledgement() {
        var machine = welcomed()
        let lease = lease(0)
        let task = assignment(lease, input: blob)
        #expect(
            machine.apply(.order(.assign(task)), at: at(10)) == [
                progress(lease, .loading), .fetch(lease, blob),
            ])
        #expect(
            machine.apply(.inputReady(lease), at: at(20)) == [progress(lease, .loading), .run(task, farm)])
        #expect(
            machine.apply(.stepped(lease, step: 1, steps: 5), at: at(300)) == [
                progress(lease, .stepping, 1, 5)
            ])
        #expect(machine.apply(.stepped(lease, step: 2, steps: 5), at: at(310)) == [])
        #expect(
            machine.apply(.stepped(lease, step: 5, steps: 5), at: at(320)) == [
                progress(lease, .stepping, 5, 5)
            ])
        #expect(
            machine.apply(.finished(result(lease)), at: at(330))
                == [progress(lease, .uploading), .upload(lease, blob)])
        #expect(machine.apply(.uploaded(lease), at: at(340)) == [.send(.completed(result(lease)))])
        #expect(machine.apply(.order(.acknowledged(lease, .committed)), at: at(350)) == [.forget(lease)])
    }

    @Test func repeatsAResultUntilItIsAcknowledged() {
        var machine = welcomed(outbox: [kept(lease(0))])
        #expect(machine.apply(.tick, at: at(1000)) == [.send(.heartbeat)])
        #expect(
            machine.apply(.tick, at: at(2000)) == [.send(.heartbeat), .send(.completed(result(lease(0))))])
        #expect(
            machine.apply(.order(.acknowledged(lease(0), .blobMissing)), at: at(2100)) == [
                .upload(lease(0), blob)
            ])
        #expect(machine.apply(.uploaded(lease(0)), at: at(2200)) == [.send(.completed(result(lease(0))))])
    }

    @Test func outboxOfAnEarlierLifeIsListedAndReplayed() {
        var machine = WorkerMachine(hello: hello, outbox: [kept(lease(3))], at: at(0))
        var expected = hello
        expected.running = [lease(3)]
        #expect(machine.apply(.tick, at: at(0)) == [.send(.hello(expected))])
        #expect(
            machine.apply(.order(welcome()), at: at(1))
                == [.useBlobs(port: 9), .send(.completed(result(lease(3))))])
        #expect(machine.apply(.order(.acknowledged(lease(3), .fenced)), at: at(2)) == [.forget(lease(3))])
    }

    @Test func oneTaskRunsWhileOthersWaitAndMoreThanItCanHoldAreDeclined() {
        var machine = welcomed()
        let (first, second) = (assignment(lease(0)), assignment(lease(1)))
        #expect(
            machine.apply(.order(.assign(first)), at: at(1)) == [
                progress(lease(0), .loading), .run(first, farm),
            ])
        #expect(machine.apply(.order(.assign(second)), at: at(1)) == [])
        #expect(machine.apply(.order(.assign(second)), at: at(1)) == [])
        for number in 2..<32 {
            #expect(machine.apply(.order(.assign(assignment(lease(number)))), at: at(1)) == [])
        }
        let beyond = machine.apply(.order(.assign(assignment(lease(32)))), at: at(1))
        guard case .send(.failed(let failure))? = beyond.first else {
            Issue.record("a task too many was not declined")
            return
        }
        #expect(failure.kind == .declined)
        let effects = machine.apply(.finished(result(lease(0))), at: at(2))
        #expect(effects.suffix(2) == [progress(lease(1), .loading), .run(second, farm)])
    }

    @Test(arguments: ["other", "up256"])
    func whatItDoesNotHaveIsAFailedAttempt(what: String) {
        var machine = welcomed()
        var task = assignment(lease(0), stage: what == "other" ? "prior" : "up256")
        if what == "other" { task.model.name = "other" }
        guard case .send(.failed(let failure))? = machine.apply(.order(.assign(task)), at: at(1)).first else {
            Issue.record("the task was taken")
            return
        }
        #expect(failure.kind == .application)
        #expect(failure.message.contains(what))
    }

    @Test func revokedTaskStopsAndItsLateResultIsDropped() {
        var machine = welcomed()
        _ = machine.apply(.order(.assign(assignment(lease(0)))), at: at(1))
        #expect(machine.apply(.order(.revoke(lease(0))), at: at(2)) == [.interrupt(lease(0))])
        #expect(machine.apply(.stepped(lease(0), step: 1, steps: 5), at: at(900)) == [])
        #expect(machine.apply(.finished(result(lease(0))), at: at(901)) == [.forget(lease(0))])
    }

    @Test func finishedResultOutlivesARevokedLeaseUntilTheVerdict() {
        var machine = welcomed()
        _ = machine.apply(.order(.assign(assignment(lease(0)))), at: at(1))
        _ = machine.apply(.finished(result(lease(0))), at: at(2))
        #expect(machine.apply(.order(.revoke(lease(0))), at: at(3)) == [])
        #expect(
            machine.apply(.order(.acknowledged(lease(0), .fenced)), at: at(4)).contains(.forget(lease(0))))
    }

    @Test func interruptedEngineTakesTheNextTask() {
        var machine = welcomed()
        _ = machine.apply(.order(.assign(assignment(lease(0)))), at: at(1))
        _ = machine.apply(.order(.assign(assignment(lease(1)))), at: at(1))
        _ = machine.apply(.order(.revoke(lease(0))), at: at(2))
        #expect(
            machine.apply(.interrupted(lease(0)), at: at(3))
                == [.forget(lease(0)), progress(lease(1), .loading), .run(assignment(lease(1)), farm)])
    }

    @Test func failureIsToldUntilItIsAcknowledged() {
        var machine = welcomed()
        _ = machine.apply(.order(.assign(assignment(lease(0)))), at: at(1))
        let failure = TaskFailure(lease: lease(0), kind: .application, message: "Out of memory.")
        #expect(
            machine.apply(.stageFailed(lease(0), .application, "Out of memory."), at: at(2))
                == [.send(.failed(failure))])
        #expect(machine.apply(.tick, at: at(2002)).contains(.send(.failed(failure))))
        #expect(
            machine.apply(.order(.acknowledged(lease(0), .committed)), at: at(2003)) == [.forget(lease(0))])
    }

    @Test func inputThatCannotBeHadIsAFailure() {
        var machine = welcomed()
        _ = machine.apply(.order(.assign(assignment(lease(0), input: blob))), at: at(1))
        let failure = TaskFailure(lease: lease(0), kind: .inputMissing, message: "gone")
        #expect(
            machine.apply(.inputFailed(lease(0), .inputMissing, "gone"), at: at(2)) == [
                .send(.failed(failure))
            ])
    }

    @Test func silentCoordinatorIsGreetedOnANewSocketAndRunningWorkGoesOn() {
        var machine = welcomed()
        _ = machine.apply(.order(.assign(assignment(lease(0)))), at: at(1))
        var expected = hello
        expected.running = [lease(0)]
        #expect(machine.apply(.tick, at: at(5001)) == [.reopen, .send(.hello(expected))])
        #expect(machine.apply(.order(welcome(kept: [lease(0)])), at: at(5100)) == [.useBlobs(port: 9)])
        _ = machine.apply(.finished(result(lease(0))), at: at(5200))
        #expect(machine.apply(.uploaded(lease(0)), at: at(5300)) == [.send(.completed(result(lease(0))))])
    }

    @Test func leasesThatNoLongerHoldAreDropped() {
        var machine = welcomed()
        _ = machine.apply(.order(.assign(assignment(lease(0)))), at: at(1))
        _ = machine.apply(.order(.assign(assignment(lease(1)))), at: at(1))
        #expect(machine.apply(.order(.helloAgain), at: at(2)).count == 1)
        #expect(
            machine.apply(.order(welcome()), at: at(3))
                == [.useBlobs(port: 9), .interrupt(lease(0)), .forget(lease(1))])
    }

    @Test func stopSaysGoodbye() {
        var machine = welcomed()
        _ = machine.apply(.order(.assign(assignment(lease(0)))), at: at(1))
        #expect(
            machine.apply(.stop, at: at(2)) == [.interrupt(lease(0)), .send(.goodbye), .end(reason: nil)])
        #expect(machine.apply(.tick, at: at(9999)) == [])
    }

    @Test func aDrainingWorkerEndsWhatItHasBegunAndThenItself() {
        var machine = welcomed()
        _ = machine.apply(.order(.assign(assignment(lease(0)))), at: at(1))
        _ = machine.apply(.order(.assign(assignment(lease(1)))), at: at(1))
        func isDeclined(_ effects: [WorkerEffect], _ lease: LeaseID) -> Bool {
            guard effects.count == 1, case .send(.failed(let failure))? = effects.first else { return false }
            return failure.lease == lease && failure.kind == .declined
        }
        #expect(isDeclined(machine.apply(.drain, at: at(2)), lease(1)))
        #expect(isDeclined(machine.apply(.order(.assign(assignment(lease(2)))), at: at(3)), lease(2)))
        for number in 1...2 {
            #expect(
                machine.apply(.order(.acknowledged(lease(number), .committed)), at: at(4))
                    == [.forget(lease(number))])
        }
        _ = machine.apply(.finished(result(lease(0))), at: at(5))
        _ = machine.apply(.uploaded(lease(0)), at: at(6))
        #expect(
            machine.apply(.order(.acknowledged(lease(0), .committed)), at: at(7))
                == [.forget(lease(0)), .send(.goodbye), .end(reason: nil)])
    }

    @Test func refusalEndsWithItsReason() {
        var machine = WorkerMachine(hello: hello, outbox: [], at: at(0))
        #expect(machine.apply(.order(.refused("Too old.")), at: at(1)) == [.end(reason: "Too old.")])
    }
}
