import Farm
import Testing

/// The index of workers with room, seen through what it is for: who is given what.
@Suite struct WorkerTableTests {
    private func session(_ name: String) -> WorkerSession { WorkerSession(worker: WorkerID(name), nonce: 1) }

    @Test func thousandsOfWorkersGetOneTaskEachInTheOrderOfJoining() {
        let bench = Bench()
        let sessions = (0..<3000).map { session("w\($0)") }
        for session in sessions { bench.join(session) }
        bench.submit(2000)
        #expect(bench.dispatched.count == 2000)
        #expect(Set(bench.dispatched.map(\.lease.task.image)).count == 2000)
        let held = Set(bench.machine.heldLeases.map(\.session))
        #expect(held == Set(sessions.prefix(2000)))
    }

    @Test func aWorkerThatLeavesMakesRoomInTheTableAndItsTasksGoOn() {
        let bench = Bench()
        let (first, second) = (session("a"), session("b"))
        bench.join(first)
        bench.submit(1)
        #expect(bench.dispatched.count == 1)
        bench.join(second)
        let moved = bench.apply(.goodbye(first)).dispatches
        #expect(moved.map(\.lease.attempt) == [2])
        #expect(bench.machine.heldLeases.map(\.session) == [second])
    }

    @Test func tasksThatWaitAreGivenWhenTroubleEnds() {
        let bench = Bench()
        bench.join(session("a"))
        bench.submit(3)
        bench.apply(.trouble("full"))
        bench.join(session("b"))
        #expect(bench.machine.heldLeases.count == 1)
        #expect(bench.apply(.trouble(nil)).dispatches.count == 1)
    }

    @Test func ofThousandsOnlyTheSilentAreLostAndTheirTasksGoToTheOthers() {
        let bench = Bench()
        let sessions = (0..<3000).map { session("w\($0)") }
        for session in sessions { bench.join(session) }
        bench.submit(2000)
        let (silent, heard) = (sessions[..<1000], sessions[1000...])
        bench.wait(8_000)
        for session in heard { #expect(bench.apply(.heartbeat(session)) == [.send(session, .heartbeat)]) }
        bench.wait(2_000)
        #expect(bench.apply(.tick).dispatches.isEmpty)
        bench.wait(1)
        #expect(bench.apply(.tick).dispatches.count == 1000)
        #expect(silent.allSatisfy { !bench.machine.knows($0) })
        #expect(Set(bench.machine.heldLeases.map(\.session)) == Set(heard))
    }

    @Test func aLostWorkerLeavesTheListAfterItsTime() {
        let bench = Bench()
        bench.join(session("a"))
        bench.wait(10_001)
        bench.apply(.tick)
        #expect(bench.machine.workerList(at: bench.now).count == 1)
        bench.wait(3_600_000)
        bench.apply(.tick)
        #expect(bench.machine.workerList(at: bench.now).isEmpty)
    }

    @Test func theMoreWorkersTheRarerTheirHeartbeatsButThriceInTheGraceTime() {
        let bench = Bench()
        var beats: [Int64] = []
        for number in 0..<10_000 {
            for case .send(_, .welcome(let welcome)) in bench.apply(
                .hello(Fixtures.hello(session("w\(number)"))))
            {
                beats.append(welcome.heartbeatMilliseconds)
            }
        }
        #expect(beats.count == 10_000)
        #expect(beats[0] == 1000)
        #expect(beats[4999] == 2000)
        #expect(beats[9999] == 3333)
    }

    @Test func aResultOfALeaseThatAnotherNameHoldsFreesIt() {
        let bench = Bench()
        let (holder, other) = (session("a"), session("b"))
        let held = bench.join(holder)
        #expect(held.isEmpty)
        bench.submit(1)
        bench.join(other)
        let dispatch = bench.dispatched[0]
        bench.complete(dispatch, by: other)
        #expect(!bench.machine.holds(WorkerID("a"), dispatch.lease))
    }
}
