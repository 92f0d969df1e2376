import Farm
import Testing

@Suite struct LeaseTests {
    let one = Fixtures.one
    let two = Fixtures.two

    @Test func anImageGoesThroughItsStagesAndIsDone() throws {
        let bench = Bench()
        bench.join(one)
        let job = try #require(bench.submit(1))
        var dispatch = try #require(bench.dispatched.first)
        var inputs: [BlobID?] = []
        for stage in ["prior", "base64", "up256"] {
            #expect(dispatch.stage == StageName(stage))
            #expect(dispatch.isLast == (stage == "up256"))
            inputs.append(dispatch.input)
            let effects = bench.complete(dispatch, by: one)
            #expect(effects.verdicts == [.committed])
            if let next = effects.dispatches.first { dispatch = next }
        }
        #expect(inputs == [nil, BlobID(Fixtures.digest(1)), BlobID(Fixtures.digest(2))])
        let status = try #require(bench.status(job))
        #expect(status.state == .finished)
        #expect(status.images.done == 1)
        #expect(status.tasks.done == 3)
    }

    @Test func begunPicturesAreFinishedBeforeNewOnesBegin() throws {
        let bench = Bench()
        bench.join(one)
        bench.submit(3)
        let first = try #require(bench.dispatched.first)
        let next = try #require(bench.complete(first, by: one).dispatches.first)
        #expect(next.lease.task == TaskID(image: first.lease.task.image, stage: 1))
    }

    @Test func theLastPictureCatchesUpBeforeOthersAreFinished() throws {
        let bench = Bench()
        bench.join(one)
        bench.join(two)
        bench.submit(4)
        let (first, second) = (bench.dispatched[0], bench.dispatched[1])
        // Two have not begun, as many as there are workers: what is begun goes on.
        let next = try #require(bench.complete(first, by: one).dispatches.first)
        #expect(next.lease.task == TaskID(image: first.lease.task.image, stage: 1))
        let third = try #require(bench.complete(next, by: one).dispatches.first)
        #expect(third.lease.task.stage == 2)
        let fourth = try #require(bench.complete(third, by: one).dispatches.first)
        #expect(fourth.lease.task.image.index == 2)
        // One has not begun: it comes before the second picture's second stage.
        let last = try #require(bench.complete(second, by: two).dispatches.first)
        #expect(last.lease.task.image.index == 3)
        #expect(last.lease.task.stage == 0)
        // The second and the last wait at their second stage; once one is a stage ahead, the other goes on.
        let late = try #require(bench.complete(last, by: two).dispatches.first)
        #expect(late.lease.task.stage == 1)
        let caught = try #require(bench.complete(late, by: two).dispatches.first)
        #expect(caught.lease.task.stage == 1)
        #expect(caught.lease.task.image != late.lease.task.image)
    }

    @Test func higherPriorityGoesFirst() throws {
        let bench = Bench()
        bench.submit(1, priority: 0)
        let urgent = try #require(bench.submit(1, priority: 5))
        #expect(bench.join(one).first?.lease.task.image.job == urgent)
    }

    @Test func aLostWorkersTaskRunsElsewhereAndItsLateResultIsFenced() throws {
        let bench = Bench()
        bench.join(one)
        bench.submit(1)
        let first = try #require(bench.dispatched.first)
        bench.wait(9_000)
        bench.join(two)
        #expect(bench.apply(.tick).dispatches.isEmpty)
        bench.wait(1_001)
        let again = try #require(bench.apply(.tick).dispatches.first)
        #expect(again.lease.task == first.lease.task)
        #expect(again.lease.attempt == first.lease.attempt + 1)
        #expect(bench.complete(first, by: one).contains(.send(one, .helloAgain)))
        bench.join(one)
        #expect(bench.complete(first, by: one).verdicts == [.fenced])
        #expect(bench.complete(again, by: two).verdicts == [.committed])
    }

    @Test func anUnknownWorkerIsAskedToSayHello() {
        let bench = Bench()
        #expect(bench.apply(.heartbeat(one)) == [.send(one, .helloAgain)])
    }

    @Test func aWorkerThatComesBackKeepsItsLeases() throws {
        let bench = Bench()
        bench.join(one)
        bench.submit(1)
        let dispatch = try #require(bench.dispatched.first)
        bench.apply(.undelivered(one, nil))
        bench.wait(5_000)
        let effects = bench.apply(.hello(Fixtures.hello(one, running: [dispatch.lease])))
        #expect(effects.dispatches.isEmpty)
        guard
            case .send(_, .welcome(let welcome))? = effects.last(where: {
                if case .send = $0 { true } else { false }
            })
        else { throw BenchError.noWelcome }
        #expect(welcome.kept == [dispatch.lease])
        #expect(bench.complete(dispatch, by: one).verdicts == [.committed])
    }

    @Test func aLeaseThatNeverArrivedIsGivenAgain() throws {
        let bench = Bench()
        bench.join(one)
        bench.submit(1)
        let first = try #require(bench.dispatched.first)
        let again = try #require(bench.join(one, running: []).first)
        #expect(again.lease.task == first.lease.task)
        #expect(again.lease.attempt == 2)
    }

    @Test func aRestartedWorkersTaskIsGivenAgainAtOnce() throws {
        let bench = Bench()
        bench.join(one)
        bench.submit(1)
        let reborn = WorkerSession(worker: one.worker, nonce: 99)
        #expect(bench.join(reborn).first?.lease.attempt == 2)
        let refused = bench.apply(.hello(Fixtures.hello(one)))
        guard case .send(one, .refused(let text))? = refused.first else { throw BenchError.noWelcome }
        #expect(text.contains("Give each worker its own name"))
    }

    @Test func aResultFromTheOutboxOfARestartedWorkerCounts() throws {
        let bench = Bench()
        bench.join(one)
        bench.submit(1)
        let dispatch = try #require(bench.dispatched.first)
        let reborn = WorkerSession(worker: one.worker, nonce: 99)
        #expect(bench.join(reborn, running: [dispatch.lease]).isEmpty)
        #expect(bench.complete(dispatch, by: reborn).verdicts == [.committed])
    }

    @Test func progressRenewsALeaseAndBeatsAloneDoNot() throws {
        var options = CoordinatorOptions()
        options.unknownLease = 20_000
        let bench = Bench(options)
        bench.join(one)
        bench.submit(1)
        let lease = try #require(bench.dispatched.first?.lease)
        for step in 1...5 {
            bench.wait(8_000)
            bench.apply(.progress(one, TaskProgress(lease: lease, phase: .stepping, step: step, steps: 9)))
            #expect(!bench.apply(.tick).sends(.revoke(lease)))
        }
        for _ in 0..<2 {
            bench.wait(8_000)
            bench.apply(.heartbeat(one))
            #expect(!bench.apply(.tick).sends(.revoke(lease)))
        }
        bench.wait(8_000)
        bench.apply(.heartbeat(one))
        #expect(bench.apply(.tick).sends(.revoke(lease)))
    }

    @Test func aMissingBlobIsAskedForAndTheLeaseStays() throws {
        let bench = Bench()
        bench.join(one)
        bench.submit(1)
        let dispatch = try #require(bench.dispatched.first)
        #expect(bench.complete(dispatch, by: one, stored: false).verdicts == [.blobMissing])
        #expect(bench.complete(dispatch, by: one).verdicts == [.committed])
        #expect(bench.complete(dispatch, by: one).verdicts == [.duplicate])
    }

    @Test func anotherResultForADoneTaskIsAnAlarm() throws {
        let bench = Bench()
        bench.join(one)
        let job = try #require(bench.submit(2))
        let dispatch = try #require(bench.dispatched.first)
        bench.complete(dispatch, by: one)
        // Both are kept: not before its bytes are here.
        #expect(bench.complete(dispatch, by: one, byte: 0xee, stored: false).verdicts == [.blobMissing])
        #expect(bench.status(job)?.alarms == 0)
        let effects = bench.complete(dispatch, by: one, byte: 0xee)
        #expect(effects.verdicts == [.fenced])
        #expect(effects.changes.contains { if case .alarm = $0 { true } else { false } })
        #expect(bench.machine.workerList(at: bench.now).first?.excluded.count == 1)
        // Told again, for the verdict was lost, it is the same alarm.
        #expect(bench.complete(dispatch, by: one, byte: 0xee).verdicts == [.fenced])
        #expect(bench.status(job)?.alarms == 1)
    }

    @Test func whatAWorkerInQuarantineStillHasOfTheStageGoesElsewhere() throws {
        let bench = Bench()
        let first = try bench.fillQueue(of: one)
        let ofTheStage = bench.machine.heldLeases.filter { $0.id.task.stage == first.lease.task.stage }
        #expect(ofTheStage.count > 1)
        let effects = bench.complete(first, by: one, byte: 0xee)
        for lease in ofTheStage { #expect(effects.sends(.revoke(lease.id))) }
        #expect(!bench.machine.heldLeases.contains { $0.id.task.stage == first.lease.task.stage })
    }

    /// The first bytes may have been the wrong ones: then every sound worker is in quarantine.
    @Test func aQuarantineEnds() throws {
        let bench = Bench()
        bench.join(one)
        bench.submit(2)
        let dispatch = try #require(bench.dispatched.first)
        let next = try #require(bench.complete(dispatch, by: one).dispatches.first)
        bench.complete(dispatch, by: one, byte: 0xee)
        var stages: [StageName] = []
        var effects = bench.complete(next, by: one)
        while let other = effects.dispatches.first {
            stages.append(other.stage)
            effects = bench.complete(other, by: one)
        }
        #expect(stages == [StageName("up256")])
        #expect(bench.live(3_500_000, one).dispatches.isEmpty)
        #expect(bench.live(110_000, one).dispatches.first?.stage == StageName("prior"))
    }

    @Test func aLostInputRunsTheStageBeforeAgain() throws {
        let bench = Bench()
        bench.join(one)
        bench.submit(1)
        let first = try #require(bench.dispatched.first)
        let second = try #require(bench.complete(first, by: one).dispatches.first)
        let again = try #require(bench.fail(second, by: one, .inputMissing).dispatches.first)
        #expect(again.lease.task == first.lease.task)
        #expect(again.lease.attempt > second.lease.attempt)
    }

    @Test func aResultOfNothingIsFenced() {
        let bench = Bench()
        bench.join(one)
        for task in [(9, 0, 0), (1, 5, 0), (1, 0, 9)] {
            let lease = LeaseID(
                task: TaskID(image: ImageID(job: JobID(Int64(task.0)), index: task.1), stage: task.2),
                attempt: 1)
            let result = TaskResult(lease: lease, blob: BlobID(.zero), pixels: nil, seconds: 1)
            #expect(bench.apply(.completed(one, result, blobStored: true)).verdicts == [.fenced])
        }
    }
}

enum BenchError: Error { case noWelcome }
