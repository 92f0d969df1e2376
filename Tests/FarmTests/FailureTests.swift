import Farm
import Testing

@Suite struct FailureTests {
    let one = Fixtures.one
    let two = Fixtures.two

    @Test func anImageFailsAfterThreeAttemptsAndTheJobGoesOn() throws {
        let bench = Bench()
        bench.join(one)
        let job = try #require(bench.submit(2))
        var dispatch = try #require(bench.dispatched.first)
        for attempt in 1...3 {
            // A failed attempt is spent, so the next one has the number after the next.
            #expect(dispatch.lease.attempt == 2 * attempt - 1)
            dispatch = try #require(bench.fail(dispatch, by: one).dispatches.first)
        }
        #expect(dispatch.lease.task.image.index == 1)
        let status = try #require(bench.status(job))
        #expect(status.images.failed == 1)
        #expect(status.tasks.dropped == 3)
    }

    /// The acknowledgement was lost and nobody has the task yet.
    @Test func aFailureThatIsToldAgainCountsOnce() throws {
        let bench = Bench()
        bench.join(one)
        let job = try #require(bench.submit(1))
        let dispatch = try #require(bench.dispatched.first)
        bench.apply(.control(RequestID(9), job, .pause))
        for _ in 0..<5 {
            bench.fail(dispatch, by: one)
            bench.join(one, running: [dispatch.lease])
        }
        #expect(bench.machine.snapshot.jobs.first?.images.first?.failures == 1)
        #expect(bench.status(job)?.images.failed == 0)
    }

    @Test func aFailedTaskGoesToAnotherWorkerWhereThereIsOne() throws {
        let bench = Bench()
        bench.join(one)
        bench.submit(1)
        let dispatch = try #require(bench.dispatched.first)
        bench.join(two)
        guard case .assign(let session, _)? = bench.fail(dispatch, by: one).last else {
            throw BenchError.noWelcome
        }
        #expect(session == two)
    }

    @Test func aWorkerThatFailsThreePicturesIsExcludedAndComesBack() throws {
        var options = CoordinatorOptions()
        options.mostFailures = 1
        let bench = Bench(options)
        bench.join(one)
        let job = try #require(bench.submit(5))
        var next = bench.dispatched.first
        for _ in 0..<3 { next = bench.fail(try #require(next), by: one).dispatches.first }
        #expect(next == nil)
        #expect(bench.status(job)?.waiting.first?.text.contains("excluded") == true)
        bench.wait(options.exclusion + 1)
        let probe = try #require(bench.join(one).first)
        bench.complete(probe, by: one)
        #expect(bench.machine.workerList(at: bench.now).first?.excluded == [])
    }

    @Test func aTaskThatKillsItsWorkersEndsToo() throws {
        let bench = Bench()
        let job = try #require(bench.submit(1))
        for life in 0..<6 {
            #expect(bench.join(WorkerSession(worker: one.worker, nonce: UInt64(life))).count == 1)
        }
        bench.join(WorkerSession(worker: one.worker, nonce: 100))
        #expect(bench.status(job)?.images.failed == 1)
        #expect(bench.status(job)?.state == .finished)
    }

    @Test func whoGivesATaskBackRestsAndSaysWhy() throws {
        let bench = Bench()
        bench.join(one)
        let job = try #require(bench.submit(2))
        var next = try #require(bench.dispatched.first)
        for rest in [5_000, 10_000, 20_000] as [Int64] {
            #expect(bench.fail(next, by: one, .declined).dispatches.isEmpty)
            let reason = try #require(bench.status(job)?.waiting.first)
            #expect(reason.text.contains("gives its tasks back"))
            #expect(bench.live(rest - 1_000, one).dispatches.isEmpty)
            next = try #require(bench.live(2_000, one).dispatches.first)
        }
        #expect(bench.status(job)?.images.failed == 0)
        #expect(bench.complete(next, by: one).dispatches.count == 1)
    }

    @Test func aWorkerThatIsStuckThriceIsExcluded() throws {
        var options = CoordinatorOptions()
        options.unknownLease = 10_000
        options.exclusion = 100_000
        options.mostLosses = 1
        let bench = Bench(options)
        bench.join(one)
        let job = try #require(bench.submit(5))
        var next = bench.dispatched.first
        for _ in 0..<3 {
            bench.progress(try #require(next), by: one, step: 1)
            next = bench.live(12_000, one).dispatches.first
        }
        #expect(next == nil)
        #expect(bench.status(job)?.waiting.first?.text.contains("excluded") == true)
        #expect(!bench.live(100_000, one).dispatches.isEmpty)
    }

    @Test func aStageThatKillsItsWorkerExcludesItAfterThreePictures() throws {
        let bench = Bench()
        bench.join(one)
        bench.submit(5)
        bench.join(two)
        var count = 0
        while let held = bench.machine.heldLeases.first(where: { $0.session.worker == one.worker }), count < 9
        {
            count += 1
            let begun = TaskProgress(lease: held.id, phase: .loading, step: 0, steps: 0)
            bench.apply(.progress(held.session, begun))
            bench.join(WorkerSession(worker: one.worker, nonce: UInt64(10 + count)))
        }
        #expect(count == 3)
    }

    @Test func loadingMayTakeLongerThanStepping() throws {
        let bench = Bench()
        bench.join(one)
        bench.submit(3)
        let first = try #require(bench.dispatched.first)
        let second = try #require(bench.complete(first, by: one).dispatches.first)
        let third = try #require(bench.complete(second, by: one).dispatches.first)
        let again = try #require(bench.complete(third, by: one).dispatches.first)
        #expect(again.stage == first.stage)
        bench.progress(again, by: one, .loading, step: 0)
        #expect(!bench.live(500_000, one).sends(.revoke(again.lease)))
        bench.progress(again, by: one, step: 1)
        #expect(!bench.live(50_000, one).sends(.revoke(again.lease)))
        #expect(bench.live(20_000, one).sends(.revoke(again.lease)))
    }

    @Test func whatOnlyWaitedBehindAStuckTaskIsNotCountedAgainstIt() throws {
        let bench = Bench()
        try bench.fillQueue(of: one)
        let held = bench.machine.heldLeases
        #expect(held.count > 4)
        // Each says so when its input is fetched, long before the engine has it.
        for lease in held {
            let fetching = TaskProgress(lease: lease.id, phase: .loading, step: 0, steps: 0)
            bench.apply(.progress(one, fetching))
        }
        let restarted = WorkerSession(worker: one.worker, nonce: 99)
        bench.join(restarted)
        let rows = try #require(bench.machine.snapshot.jobs.first).images
        #expect(rows.filter { $0.losses > 0 }.count == 1)
        #expect(bench.machine.heldLeases.contains { $0.session == restarted })
    }

    @Test func aWorkerWhoseEngineHangsIsExcludedThoughItSaysNothing() throws {
        var options = CoordinatorOptions()
        options.unknownLease = 10_000
        options.mostLosses = 1
        let bench = Bench(options)
        bench.join(one)
        let job = try #require(bench.submit(5))
        for _ in 0..<2 { #expect(bench.live(12_000, one).dispatches.count == 1) }
        #expect(bench.live(12_000, one).dispatches.isEmpty)
        #expect(bench.status(job)?.waiting.first?.text.contains("excluded") == true)
    }

    @Test func aFailureByWhoDoesNotHoldTheTaskChangesNothing() throws {
        let bench = Bench()
        bench.join(one)
        bench.submit(1)
        bench.join(two)
        let task = try #require(bench.dispatched.first)
        #expect(bench.fail(task, by: two).verdicts == [.fenced])
        #expect(bench.machine.heldLeases.map(\.session) == [one])
        #expect(!bench.progress(task, by: one, step: 1).sends(.revoke(task.lease)))
        #expect(bench.complete(task, by: one).verdicts == [.committed])
    }

    @Test func theCoordinatorsOwnPauseIsNobodysSilence() throws {
        let bench = Bench()
        bench.join(one)
        bench.submit(1)
        bench.live(1000, one)
        bench.wait(25_000)
        bench.apply(.resumed(after: 25_000))
        bench.apply(.tick)
        let rows = try #require(bench.machine.snapshot.jobs.first).images
        #expect(rows.allSatisfy { $0.losses == 0 && $0.leased })
        // Its own silence counts from then on.
        bench.live(12_000)
        #expect(try #require(bench.machine.snapshot.jobs.first).images.allSatisfy { $0.losses == 1 })
    }

    @Test func aFullDiskStopsNewWorkAndSaysSo() throws {
        let bench = Bench()
        bench.apply(.trouble("The disk is full."))
        bench.requests += 1
        let submission = Fixtures.submission(SubmissionID(high: 9, low: 9), count: 1)
        #expect(bench.apply(.submit(RequestID(1), submission)).refusals == [.unavailable])
        bench.apply(.trouble(nil))
        bench.apply(.trouble("The disk is full."))
        bench.join(one)
        bench.apply(.trouble(nil))
        let job = try #require(bench.submit(2))
        bench.apply(.trouble("The disk is full."))
        let first = try #require(bench.dispatched.first)
        #expect(bench.complete(first, by: one).dispatches.isEmpty)
        #expect(bench.status(job)?.waiting.first?.text == "The disk is full.")
        #expect(bench.apply(.trouble(nil)).dispatches.count == 1)
    }

    @Test func aWorkerOfAnotherProtocolIsRefused() throws {
        let bench = Bench()
        var hello = Fixtures.hello(one)
        hello.oldestProtocol = 5
        hello.newestProtocol = 6
        guard case .send(one, .refused(let text))? = bench.apply(.hello(hello)).first else {
            throw BenchError.noWelcome
        }
        #expect(text.contains("same release"))
    }
}
