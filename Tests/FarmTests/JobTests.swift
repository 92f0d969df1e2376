import Farm
import Testing

@Suite struct JobTests {
    let one = Fixtures.one

    @Test func nothingIsVisibleBeforeTheLastChunkAndEachStepCanBeRepeated() throws {
        let bench = Bench()
        bench.join(one)
        let id = SubmissionID(high: 3, low: 4)
        let submission = Fixtures.submission(id, count: 3)
        let image = Fixtures.submitted(
            ImageRequest(prompt: "p", seed: 1, options: RenderOptions(size: 64)))
        func state(_ received: Int, _ job: Int64?) -> [CoordinatorEffect] {
            [
                .reply(
                    RequestID(1),
                    .submission(SubmissionState(id: id, received: received, job: job.map(JobID.init))))
            ]
        }
        for _ in 0..<2 {
            #expect(bench.apply(.submit(RequestID(1), submission)).suffix(1) == state(0, nil)[...])
        }
        for _ in 0..<2 {
            let effects = bench.apply(.submitImages(RequestID(1), id, first: 0, images: [image, image]))
            #expect(effects.suffix(1) == state(2, nil)[...])
        }
        #expect(bench.apply(.submitEnd(RequestID(1), id)).refusals == [.conflict])
        #expect(bench.machine.jobList(before: nil, limit: 10, at: bench.now).isEmpty)
        let late = bench.apply(.submitImages(RequestID(1), id, first: 3, images: [image]))
        #expect(late == state(2, nil))
        bench.apply(.submitImages(RequestID(1), id, first: 2, images: [image]))
        let end = bench.apply(.submitEnd(RequestID(1), id))
        #expect(end.contains(state(3, 1)[0]))
        #expect(end.dispatches.count == 1)
        #expect(bench.apply(.submitEnd(RequestID(1), id)) == state(3, 1))
        #expect(bench.apply(.submit(RequestID(1), submission)) == state(3, 1))
        #expect(bench.machine.jobList(before: nil, limit: 10, at: bench.now).count == 1)
    }

    @Test(arguments: [(0, RefusalCode.invalid), (1_000_001, .invalid), (1_000_000_000, .invalid)])
    func countsOutOfBoundsAreRefused(count: Int, code: RefusalCode) {
        let bench = Bench()
        let submission = Fixtures.submission(SubmissionID(high: 1, low: 1), count: count)
        #expect(bench.apply(.submit(RequestID(1), submission)).refusals == [code])
    }

    @Test func aSizeThatTheModelLacksIsRefused() {
        let bench = Bench()
        bench.join(one)
        #expect(bench.submit(1, size: 300) == nil)
    }

    @Test func aJobForAnUnknownModelWaitsAndSaysSo() throws {
        let bench = Bench()
        let job = try #require(bench.submit(4))
        let waiting = try #require(bench.status(job)?.waiting.first)
        #expect(waiting.count == 4)
        #expect(waiting.text == "no worker with the model \"toy\" has connected yet")
        #expect(bench.join(one).count == 1)
        #expect(bench.status(job)?.modelKey == Fixtures.model.key)
    }

    @Test func anUnknownModelThatLacksTheSizeFailsTheImagesWithTheReason() throws {
        let bench = Bench()
        let job = try #require(bench.submit(2, size: 300))
        bench.join(one)
        let status = try #require(bench.status(job))
        #expect(status.images.failed == 2)
        #expect(status.state == .finished)
    }

    @Test func aDraftThatNobodyContinuesIsDropped() {
        let bench = Bench()
        bench.apply(.submit(RequestID(1), Fixtures.submission(SubmissionID(high: 1, low: 1), count: 1)))
        bench.wait(3_600_001)
        #expect(bench.apply(.tick).changes == [.jobRemoved(JobID(1))])
    }

    @Test func cancelRevokesAndRetryBeginsAgain() throws {
        let bench = Bench()
        bench.join(one)
        let job = try #require(bench.submit(3))
        let first = try #require(bench.dispatched.first)
        let second = try #require(bench.complete(first, by: one).dispatches.first)
        let cancelled = bench.apply(.control(RequestID(1), job, .cancel))
        #expect(cancelled.sends(.revoke(second.lease)))
        #expect(bench.status(job)?.images.cancelled == 3)
        #expect(bench.complete(second, by: one).verdicts == [.fenced])
        let again = try #require(bench.apply(.control(RequestID(2), job, .retry)).dispatches.first)
        // What it had done is collected; it begins anew.
        #expect(again.lease.task == first.lease.task)
        #expect(again.lease.attempt == 3)
        #expect(bench.status(job)?.state == .active)
    }

    @Test func aPausedJobBeginsNothing() throws {
        let bench = Bench()
        bench.join(one)
        let job = try #require(bench.submit(3))
        let first = try #require(bench.dispatched.first)
        bench.apply(.control(RequestID(1), job, .pause))
        #expect(bench.complete(first, by: one).dispatches.isEmpty)
        #expect(bench.status(job)?.waiting.first?.text == "the job is paused")
        #expect(bench.apply(.control(RequestID(1), job, .resume)).dispatches.first?.lease.task.stage == 1)
    }

    @Test(arguments: [JobAction.cancel, .pause, .resume, .retry])
    func aJobThatIsNotThereIsNotFound(action: JobAction) {
        let bench = Bench()
        #expect(bench.apply(.control(RequestID(1), JobID(4), action)).refusals == [.notFound])
    }

    @Test func theReasonsAddUpToTheQueue() throws {
        let bench = Bench()
        bench.join(one)
        let job = try #require(bench.submit(10))
        let status = try #require(bench.status(job))
        #expect(status.waiting.reduce(0) { $0 + $1.count } == status.tasks.ready + status.tasks.blocked)
        #expect(status.tasks.ready == 9)
        #expect(status.tasks.blocked == 20)
    }
}
