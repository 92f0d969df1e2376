import Farm
import Testing

/// Identical stages are computed once, within a job and across jobs.
@Suite struct TwinTests {
    let one = Fixtures.one
    let two = Fixtures.two

    private func image(
        _ prompt: String = "p", seed: UInt64 = 1, size: Int = 64, steps: [StepOverride] = [],
        guidance: Double? = nil
    ) -> ImageRequest {
        ImageRequest(
            prompt: prompt, seed: seed, options: RenderOptions(size: size, steps: steps, guidance: guidance))
    }

    private func steps(_ stage: String) -> StepOverride { StepOverride(stage: StageName(stage), steps: 9) }

    private func reasons(_ bench: Bench, _ job: JobID) -> [WaitReason] { bench.status(job)?.waiting ?? [] }

    @Test func aTwinWaitsAndTakesTheResultOver() throws {
        let bench = Bench()
        bench.join(one)
        bench.join(two)
        let job = try #require(bench.submit([image(), image()]))
        #expect(bench.dispatched.count == 1)
        #expect(
            reasons(bench, job).contains(
                WaitReason(count: 1, text: "the same as image 1 of job 1, which is running")))
        #expect(bench.status(job)?.tasks.ready == 1)
        let prior = try #require(bench.dispatched.first)
        let afterPrior = bench.complete(prior, by: one)
        #expect(
            afterPrior.changes.contains(
                .shared(
                    SharedStages(
                        image: ImageID(job: job, index: 1), other: ImageID(job: job, index: 0), stages: 0..<1)
                )))
        let last = try #require(afterPrior.dispatches.first)
        #expect(afterPrior.dispatches.count == 1)
        let end = bench.complete(last, by: one)
        #expect(end.dispatches.isEmpty)
        #expect(bench.status(job)?.images.done == 2)
        #expect(bench.status(job)?.state == .finished)
        #expect(bench.machine.snapshot.jobs[0].evidence(image: 1, stage: 1) == Fixtures.digest(2))
    }

    /// Which stages of a 256 picture are shared with a picture of the given request.
    @Test(arguments: [
        ("p", 1 as UInt64, 256, "", nil as Double?, 3), ("p", 1, 64, "", nil, 1), ("q", 1, 256, "", nil, 0),
        ("p", 2, 256, "", nil, 0), ("p", 1, 256, "up256", nil, 2), ("p", 1, 256, "base64", nil, 1),
        ("p", 1, 256, "prior", nil, 0), ("p", 1, 256, "", 3, 0),
    ])
    func whatAStageDependsOnDecides(
        prompt: String, seed: UInt64, size: Int, changed: String, guidance: Double?, shared: Int
    ) throws {
        let bench = Bench()
        bench.join(one)
        bench.submit([image(size: 256)])
        var next = bench.dispatched
        // The first picture stops before its last stage, so that what it has done is kept.
        for _ in 0..<2 { next = bench.complete(try #require(next.first), by: one).dispatches }
        let other = image(
            prompt, seed: seed, size: size, steps: changed.isEmpty ? [] : [steps(changed)], guidance: guidance
        )
        let job = try #require(bench.submit([other]))
        let row = try #require(bench.machine.snapshot.jobs.last?.images.first)
        #expect(Int(row.stage) == min(shared, 2))
        bench.complete(try #require(next.first), by: one)
        #expect(bench.status(job)?.images.done == (shared == 3 ? 1 : 0))
    }

    @Test(arguments: [false, true])
    func aJobOfTheSameRequestsNeedsNoWorker(isRestarted: Bool) throws {
        var bench = Bench()
        bench.join(one)
        let images = (0..<3).map { image(seed: $0) }
        bench.submit(images)
        var next = bench.dispatched
        while let dispatch = next.first { next = bench.complete(dispatch, by: one).dispatches }
        bench.apply(.goodbye(one))
        if isRestarted {
            bench = Bench(restoring: bench.machine.snapshot)
            bench.requests = 10
        }
        let again = try #require(bench.submit(images))
        #expect(bench.dispatched.isEmpty)
        #expect(bench.status(again)?.images.done == 3)
        #expect(bench.status(again)?.state == .finished)
    }

    @Test(arguments: ["fails", "cancelled", "lost"])
    func aTwinGoesOnWhenTheOtherDoesNot(end: String) throws {
        let bench = Bench()
        bench.join(one)
        let job = try #require(bench.submit([image()]))
        let first = try #require(bench.dispatched.first)
        bench.join(two)
        let waiting = try #require(bench.submit([image()]))
        #expect(bench.dispatched.isEmpty)
        let effects =
            switch end {
            case "cancelled": bench.apply(.control(RequestID(1), job, .cancel))
            case "lost": bench.apply(.goodbye(one))
            default:
                (0..<3).flatMap { _ -> [CoordinatorEffect] in
                    guard let held = bench.machine.heldLeases.first(where: { $0.id.task.image.job == job })
                    else { return [] }
                    let failure = TaskFailure(lease: held.id, kind: .application, message: "no")
                    return bench.apply(.failed(held.session, failure))
                }
            }
        #expect(first.lease.task.image.job == job)
        if end == "lost" {
            // Either of them goes on, and the other waits.
            #expect(effects.dispatches.count == 1)
        } else {
            #expect(effects.dispatches.contains { $0.lease.task.image.job == waiting })
        }
    }

    @Test func aLostBlobIsNotTakenOverAgain() throws {
        let bench = Bench()
        bench.join(one)
        bench.submit([image()])
        let first = try #require(bench.dispatched.first)
        let second = try #require(bench.complete(first, by: one).dispatches.first)
        let other = try #require(bench.submit([image(), image()]))
        #expect(bench.machine.snapshot.jobs.last?.images.allSatisfy { $0.stage == 1 } == true)
        let effects = bench.fail(second, by: one, .inputMissing)
        let next = try #require(effects.dispatches.first)
        // Whoever comes next finds the blob gone too, or computes it anew; nothing goes round in circles.
        #expect(next.lease.task != second.lease.task)
        var pending = effects.dispatches
        var failures = 0
        while let dispatch = pending.first {
            if dispatch.lease.task.stage == 1, failures < 2 {
                failures += 1
                pending = bench.fail(dispatch, by: one, .inputMissing).dispatches
            } else {
                pending =
                    bench.complete(dispatch, by: one, byte: UInt8(dispatch.lease.task.stage + 1))
                    .dispatches
            }
        }
        #expect(bench.status(other)?.images.done == 2)
    }

    @Test func manyTwinsTakeManyTurns() throws {
        let bench = Bench()
        bench.join(one)
        bench.join(two)
        let job = try #require(bench.submit(Array(repeating: image(), count: 5000)))
        var next = bench.dispatched
        #expect(next.count == 1)
        #expect(reasons(bench, job).contains { $0.count == 4999 && $0.text.hasPrefix("the same as other") })
        var most = 0
        while let dispatch = next.first {
            next = []
            var effects = bench.machine.apply(
                .completed(one, Fixtures.result(dispatch), blobStored: true), at: bench.now)
            while true {
                most = max(most, effects.changes.count)
                next += effects.dispatches
                guard bench.machine.hasMore else { break }
                effects = bench.machine.apply(.proceed, at: bench.now)
            }
        }
        #expect(bench.status(job)?.images.done == 5000)
        #expect(most < 2100)
    }

    @Test func aPausedTwinIsNoReasonToWait() throws {
        let bench = Bench()
        bench.join(one)
        let paused = try #require(bench.submit([image()]))
        let first = try #require(bench.dispatched.first)
        let job = try #require(bench.submit([image()]))
        bench.apply(.control(RequestID(1), paused, .pause))
        // The paused one has the result, and its next stage is nobody's now.
        let effects = bench.complete(first, by: one)
        #expect(
            effects.dispatches.map(\.lease.task) == [TaskID(image: ImageID(job: job, index: 0), stage: 1)])
        bench.complete(try #require(effects.dispatches.first), by: one)
        #expect(bench.status(paused)?.images.done == 0)
        bench.apply(.control(RequestID(1), paused, .resume))
        #expect(bench.status(paused)?.state == .finished)
    }
}
