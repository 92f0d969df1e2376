import Farm
import Testing

/// Who gets which task next, and how many at once.
@Suite struct SchedulingTests {
    let one = Fixtures.one
    let two = Fixtures.two

    /// Lets `session` finish `count` tasks one after another, each of `seconds`; gives what they were.
    @discardableResult
    private func work(
        _ bench: Bench, _ session: WorkerSession, from first: Dispatch, _ count: Int,
        seconds: (Dispatch) -> Double = { _ in 1 }, loading: (Dispatch) -> Double = { _ in 0 }
    ) -> [Dispatch] {
        var done: [Dispatch] = []
        var next: Dispatch? = first
        while let dispatch = next, done.count < count {
            done.append(dispatch)
            bench.wait(Int64(seconds(dispatch) * 1000))
            let effects = bench.complete(
                dispatch, by: session, seconds: seconds(dispatch), loadSeconds: loading(dispatch))
            next = effects.dispatches.first
        }
        return done
    }

    @Test func ownersShareByWorkAndNotByTasks() throws {
        var options = CoordinatorOptions()
        options.prefetch = 0
        let bench = Bench(options)
        bench.apply(.hello(Fixtures.hello(one, models: [Fixtures.model, Fixtures.small])))
        let large = try #require(bench.submit(40, size: 64, owner: "ann"))
        let first = try #require(bench.dispatched.first)
        let small = try #require(bench.submit(200, size: 64, model: "small", owner: "bob"))
        let done = work(bench, one, from: first, 150, seconds: { $0.model == Fixtures.small.key ? 1 : 4 })
        let ann = done.filter { $0.lease.task.image.job == large }.count * 4
        let bob = done.filter { $0.lease.task.image.job == small }.count
        #expect(done.count == 150)
        #expect(abs(ann - bob) <= 16, "ann \(ann) s, bob \(bob) s")
    }

    @Test func whoAskedForNothingSavesUpNoTurns() throws {
        var options = CoordinatorOptions()
        options.prefetch = 0
        let bench = Bench(options)
        bench.join(one)
        bench.submit(100, size: 64, owner: "ann")
        work(bench, one, from: try #require(bench.dispatched.first), 40)
        let late = try #require(bench.submit(100, size: 64, owner: "bob"))
        let running = try #require(bench.machine.heldLeases.first)
        let dispatch = Dispatch(
            lease: running.id, model: Fixtures.model.key, stage: StageName("prior"),
            options: RenderOptions(size: 64), input: nil, isLast: running.id.task.stage == 1,
            leaseMilliseconds: 0)
        let done = work(bench, one, from: dispatch, 40)
        let share = done.filter { $0.lease.task.image.job == late }.count
        #expect((15...25).contains(share), "\(share) of 40")
    }

    @Test func twoModelsDoNotPingPong() throws {
        var options = CoordinatorOptions()
        options.prefetch = 0
        let bench = Bench(options)
        bench.apply(.hello(Fixtures.hello(one, models: [Fixtures.model, Fixtures.small])))
        bench.submit(100, size: 64, owner: "ann")
        let first = try #require(bench.dispatched.first)
        bench.submit(200, size: 64, model: "small", owner: "bob")
        var memory: ModelKey?
        var loads = 0
        let done = work(
            bench, one, from: first, 200,
            loading: { dispatch in
                guard dispatch.model != memory else { return 0 }
                memory = dispatch.model
                loads += 1
                return 5
            })
        #expect(done.count == 200)
        // A load of 5 s pays off after 20 s of work.
        #expect((4...12).contains(loads), "\(loads) loads")
        #expect(Set(done.map(\.model)).count == 2)
    }

    @Test func whoHasTheModelInMemoryComesFirst() throws {
        let bench = Bench()
        let both = [Fixtures.model, Fixtures.small]
        bench.apply(.hello(Fixtures.hello(one, models: both)))
        bench.apply(.hello(Fixtures.hello(two, models: both)))
        bench.submit(1, size: 64, model: "small")
        let first = try #require(bench.dispatched.first)
        bench.submit(1, size: 64)
        var dispatch = try #require(bench.dispatched.first)
        bench.complete(first, by: one)
        dispatch = try #require(bench.complete(dispatch, by: two).dispatches.first)
        bench.complete(dispatch, by: two)
        // Both are free; the second worker has the larger model.
        bench.requests += 1
        let id = SubmissionID(high: 2, low: 1)
        let image = ImageRequest(prompt: "p", seed: 1, options: RenderOptions(size: 64))
        bench.apply(.submit(RequestID(9), Fixtures.submission(id, count: 1)))
        bench.apply(.submitImages(RequestID(9), id, first: 0, images: [Fixtures.submitted(image)]))
        let effects = bench.apply(.submitEnd(RequestID(9), id))
        #expect(effects.contains { if case .assign(two, _) = $0 { true } else { false } })
    }

    @Test(arguments: [(0.1, 16), (0.5, 4), (1.5, 1), (8, 1)])
    func creditIsCountedInWork(seconds: Double, held: Int) throws {
        let bench = Bench()
        bench.join(one)
        bench.submit(200, size: 64, model: "toy")
        let first = try #require(bench.dispatched.first)
        bench.complete(first, by: one, seconds: seconds)
        let leases = bench.machine.heldLeases
        // The second stage of the first picture has no pace yet and travels alone.
        #expect(leases.count == 1)
        let second = try #require(leases.first)
        let result = TaskResult(
            lease: second.id, blob: BlobID(Fixtures.digest(99)), pixels: Fixtures.digest(99), seconds: seconds
        )
        bench.apply(.completed(one, result, blobStored: true))
        #expect(bench.machine.heldLeases.count == held)
    }

    @Test(arguments: [0.3, 1.5, 3, 20])
    func aCheapStageDoesNotOvertakeTheCostlyOneAfterIt(costly: Double) throws {
        let bench = Bench()
        bench.join(one)
        let job = try #require(bench.submit(200, size: 64, model: "toy"))
        var queue = bench.dispatched
        var begun = 0
        for _ in 0..<100 {
            let dispatch = queue.removeFirst()
            let isFirst = dispatch.lease.task.stage == 0
            begun += isFirst ? 1 : 0
            queue += bench.complete(dispatch, by: one, seconds: isFirst ? 0.1 : costly).dispatches
        }
        let done = try #require(bench.status(job)).images.done
        #expect(begun - done <= 16, "\(begun) pictures begun, \(done) done")
    }

    @Test(arguments: [(50, 1), (80, 1), (90, 2), (100, 2)])
    func theNextTaskComesShortlyBeforeTheWorkerIsFree(step: Int, held: Int) throws {
        let bench = Bench()
        bench.apply(.hello(Fixtures.hello(one, models: [Fixtures.small])))
        bench.submit(20, size: 64, model: "small")
        let first = try #require(bench.dispatched.first)
        let next = try #require(bench.complete(first, by: one, seconds: 8).dispatches.first)
        bench.progress(next, by: one, step: step)
        #expect(bench.machine.heldLeases.count == held)
        // That is one task ahead, not more.
        bench.progress(next, by: one, .uploading, step: 0)
        #expect(bench.machine.heldLeases.count == 2)
    }

    /// A quick and a slow worker share a job; what is told at each tenth is compared with what came true.
    @Test(arguments: [(1.0, 1.0), (1.0, 4.0), (3.0, 0.5)])
    func theTimeLeftIsCalibrated(first: Double, second: Double) throws {
        let bench = Bench()
        let pace = [one: first, two: second]
        var ends: [(at: Int64, session: WorkerSession, dispatch: Dispatch)] = []
        var free: [WorkerSession: Int64] = [:]
        func take(_ effects: [CoordinatorEffect]) {
            for case .assign(let session, let dispatch) in effects {
                let begin = max(free[session] ?? 0, bench.now.milliseconds)
                let end = begin + Int64((pace[session] ?? 1) * 1000)
                free[session] = end
                ends.append((end, session, dispatch))
            }
        }
        take(bench.apply(.hello(Fixtures.hello(one, models: [Fixtures.small]))))
        take(bench.apply(.hello(Fixtures.hello(two, models: [Fixtures.small]))))
        let job = try #require(bench.submit(200, size: 64, model: "small"))
        for held in bench.machine.heldLeases {
            let end = bench.now.milliseconds + Int64((pace[held.session] ?? 1) * 1000)
            let dispatch = Dispatch(
                lease: held.id, model: Fixtures.small.key, stage: StageName("base64"),
                options: RenderOptions(size: 64), input: nil, isLast: true, leaseMilliseconds: 0)
            free[held.session] = end
            ends.append((end, held.session, dispatch))
        }
        var told: [(at: Int64, left: Double)] = []
        while let next = ends.enumerated().min(by: { $0.element.at < $1.element.at })?.offset {
            let (at, session, dispatch) = ends.remove(at: next)
            bench.now = Instant(milliseconds: at)
            take(bench.complete(dispatch, by: session, seconds: pace[session] ?? 1))
            let status = try #require(bench.status(job))
            if status.images.done % 20 == 0, status.images.done < 200, let left = status.secondsLeft {
                told.append((at, left))
            }
        }
        #expect(told.count == 9)
        for (at, left) in told.prefix(8) {
            let remaining = Double(bench.now.milliseconds - at) / 1000
            #expect(abs(left - remaining) <= 0.15 * remaining + 2, "told \(left) s, it was \(remaining) s")
        }
    }

    /// Ten times the steps are ten times the time: in what is told, in the lease and before another worker is
    /// asked; and they do not make the stage look slow.
    @Test func whatATaskNeedsGrowsWithItsSteps() throws {
        let bench = Bench()
        bench.apply(.hello(Fixtures.hello(one, models: [Fixtures.small])))
        bench.submit(1, size: 64, model: "small")
        bench.complete(try #require(bench.dispatched.first), by: one, seconds: 40)
        let stage = Fixtures.small.stages[0]
        let steps = StepOverride(stage: stage.name, steps: 10 * stage.steps)
        let images = (0..<2).map {
            ImageRequest(prompt: "many", seed: $0, options: RenderOptions(size: 64, steps: [steps]))
        }
        let job = try #require(bench.submit(images, model: "small"))
        let first = try #require(bench.dispatched.first)
        #expect(first.leaseMilliseconds == Int64(400_000 * CoordinatorOptions().leaseFactor))
        #expect(bench.status(job)?.secondsLeft == 800)
        bench.complete(first, by: one, seconds: 400)
        #expect(bench.status(job)?.secondsLeft == 400)
        bench.apply(.hello(Fixtures.hello(two, models: [Fixtures.small])))
        #expect(bench.live(700_000, one, two).dispatches.isEmpty)
        #expect(bench.live(200_000, one, two).dispatches.count == 1)
    }

    /// A worker that has too little memory for a stage gets the others; the stage waits for one that has it.
    @Test func aStageGoesWhereItFits() throws {
        let bench = Bench()
        let tooLarge = StageKey(model: Fixtures.model.key, stage: StageName("up256"))
        bench.apply(.hello(Fixtures.hello(one, unserved: [tooLarge])))
        let job = try #require(bench.submit(1, size: 256))
        var next = bench.dispatched
        for _ in 0..<2 { next = bench.complete(try #require(next.first), by: one).dispatches }
        #expect(next.isEmpty)
        let waiting = try #require(bench.status(job)).waiting
        let reason = "no connected worker has the memory that up256 needs"
        #expect(waiting == [WaitReason(count: 1, text: reason)])
        let shown = bench.machine.workerList(at: bench.now).first?.excluded
        #expect(shown == ["up256 of toy: too little memory"])
        let last = try #require(bench.apply(.hello(Fixtures.hello(two))).dispatches.first)
        #expect(last.stage == tooLarge.stage)
        bench.complete(last, by: two)
        #expect(bench.status(job)?.images.done == 1)
    }

    @Test func aWorkersOwnPaceDecidesHowLongItsLeaseIs() throws {
        let bench = Bench()
        bench.apply(.hello(Fixtures.hello(one, models: [Fixtures.small])))
        bench.apply(.hello(Fixtures.hello(two, models: [Fixtures.small])))
        bench.submit(40, size: 64, model: "small")
        var last: [WorkerSession: Dispatch] = [:]
        for _ in 0..<8 {
            for held in bench.machine.heldLeases {
                let dispatch = Dispatch(
                    lease: held.id, model: Fixtures.small.key, stage: StageName("base64"),
                    options: RenderOptions(size: 64), input: nil, isLast: true, leaseMilliseconds: 0)
                let seconds: Double = held.session == one ? 20 : 200
                let next = bench.complete(dispatch, by: held.session, seconds: seconds).dispatches
                last[held.session] = next.first ?? last[held.session]
            }
        }
        #expect(last[one]?.leaseMilliseconds == 80_000)
        #expect(last[two]?.leaseMilliseconds == 800_000)
    }

    @Test func theMeasuredPaceOutlivesARestart() throws {
        let bench = Bench()
        bench.apply(.hello(Fixtures.hello(one, models: [Fixtures.small])))
        bench.submit(1, size: 64, model: "small")
        let effects = bench.complete(
            try #require(bench.dispatched.first), by: one, seconds: 7, loadSeconds: 3)
        let measured = MeasuredPace(
            key: StageKey(model: Fixtures.small.key, stage: StageName("base64")), seconds: 7, loadSeconds: 3)
        #expect(effects.changes.contains(.pace(measured)))
        let again = Bench(restoring: bench.machine.snapshot)
        #expect(again.machine.snapshot == bench.machine.snapshot)
        again.requests = 10
        again.apply(.hello(Fixtures.hello(one, models: [Fixtures.small])))
        let job = try #require(again.submit(10, size: 64, model: "small"))
        #expect(again.status(job)?.secondsLeft == 70)
    }

    /// One owner had the worker to herself by priority; at equal priority it is the other's turn, whether or
    /// not the coordinator restarts in between.
    @Test(arguments: [false, true])
    func sharesOutliveARestart(isRestarted: Bool) throws {
        var options = CoordinatorOptions()
        options.prefetch = 0
        var bench = Bench(options)
        bench.apply(.hello(Fixtures.hello(one, models: [Fixtures.small])))
        bench.submit(40, size: 64, priority: 5, model: "small", owner: "ann")
        let first = try #require(bench.dispatched.first)
        bench.submit(100, size: 64, model: "small", owner: "ann")
        let bobs = try #require(bench.submit(100, size: 64, model: "small", owner: "bob"))
        work(bench, one, from: first, 39)
        bench.apply(.tick)
        if isRestarted {
            let running = bench.machine.heldLeases.map(\.id)
            bench = Bench(options, restoring: bench.machine.snapshot)
            bench.apply(
                .hello(Fixtures.hello(one, running: running, models: [Fixtures.small])))
        }
        let held = try #require(bench.machine.heldLeases.first)
        let last = Dispatch(
            lease: held.id, model: Fixtures.small.key, stage: StageName("base64"),
            options: RenderOptions(size: 64), input: nil, isLast: true, leaseMilliseconds: 0)
        let done = work(bench, one, from: last, 31).dropFirst()
        #expect(done.count == 30)
        #expect(done.allSatisfy { $0.lease.task.image.job == bobs })
    }

    @Test func aTaskThatTakesTooLongIsTriedElsewhereAndTheFirstResultWins() throws {
        for elderWins in [true, false] {
            let (bench, slow, again) = try pair()
            #expect(again.lease.task == slow.lease.task)
            #expect(again.lease.attempt == slow.lease.attempt + 1)
            #expect(bench.machine.heldLeases.map(\.id) == [again.lease])
            let (winner, loser) = elderWins ? (slow, again) : (again, slow)
            let (winnerSession, loserSession) = elderWins ? (one, two) : (two, one)
            let effects = bench.complete(winner, by: winnerSession)
            #expect(effects.verdicts == [.committed])
            #expect(effects.sends(.revoke(loser.lease)))
            #expect(bench.complete(loser, by: loserSession).verdicts == [.duplicate])
            #expect(bench.machine.heldLeases.isEmpty)
        }
    }

    @Test func whatNobodyCanServeKeepsNoOneFromTheTail() throws {
        let (bench, slow, again) = try pair { bench in
            bench.join(two)
            bench.submit(1)
            bench.apply(.goodbye(two))
        }
        #expect(again.lease.task == slow.lease.task)
        #expect(bench.machine.heldLeases.map(\.id) == [again.lease])
    }

    @Test func whatIsPausedIsNotTriedTwice() throws {
        let (bench, slow) = try lonely()
        bench.apply(.control(RequestID(99), slow.lease.task.image.job, .pause))
        bench.apply(.hello(Fixtures.hello(two, models: [Fixtures.small])))
        #expect(bench.live(12_000, one, two).dispatches.isEmpty)
        bench.apply(.control(RequestID(100), slow.lease.task.image.job, .resume))
        #expect(bench.live(1_000, one, two).dispatches.map(\.lease.task) == [slow.lease.task])
    }

    @Test func ofTwoAttemptsEitherMayFailAndTheOtherGoesOn() throws {
        for elderFails in [true, false] {
            let (bench, slow, again) = try pair()
            let (loser, winner) = elderFails ? (slow, again) : (again, slow)
            let (loserSession, winnerSession) = elderFails ? (one, two) : (two, one)
            #expect(bench.fail(loser, by: loserSession).dispatches.isEmpty)
            #expect(bench.machine.heldLeases.map(\.id) == [winner.lease])
            let reloaded = CoordinatorMachine(restoring: bench.machine.snapshot, at: bench.now)
            #expect(reloaded.snapshot == bench.machine.snapshot)
            #expect(bench.complete(winner, by: winnerSession).verdicts == [.committed])
        }
    }

    /// A task of a one-stage model that two workers try, after what else happens while the first has it.
    private func pair(after others: (Bench) -> Void = { _ in }) throws -> (Bench, Dispatch, Dispatch) {
        let (bench, slow) = try lonely()
        others(bench)
        bench.apply(.hello(Fixtures.hello(two, models: [Fixtures.small])))
        bench.progress(slow, by: one, step: 1)
        let again = try #require(bench.live(12_000, one, two).dispatches.first)
        return (bench, slow, again)
    }

    /// The last task of a one-stage model, with the only worker, after another that took a second.
    private func lonely() throws -> (Bench, Dispatch) {
        let bench = Bench()
        bench.apply(.hello(Fixtures.hello(one, models: [Fixtures.small])))
        bench.submit(2, size: 64, model: "small")
        let first = try #require(bench.dispatched.first)
        return (bench, try #require(bench.complete(first, by: one, seconds: 1).dispatches.first))
    }
}
