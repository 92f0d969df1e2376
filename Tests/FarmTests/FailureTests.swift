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
            #expect(dispatch.lease.attempt == attempt)
            dispatch = try #require(bench.fail(dispatch, by: one).dispatches.first)
        }
        #expect(dispatch.lease.task.image.index == 1)
        let status = try #require(bench.status(job))
        #expect(status.images.failed == 1)
        #expect(status.tasks.dropped == 3)
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
