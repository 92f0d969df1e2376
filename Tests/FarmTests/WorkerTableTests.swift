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
}
