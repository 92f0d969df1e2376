internal import Dispatch
internal import Farm
internal import Synchronization

/// Stages that wait for the engine thread, and which of them were interrupted.
final class EngineQueue: Sendable {
    private struct State {
        var tasks: [StageTask] = []
        var interrupted: Set<LeaseID> = []
        var isStopped = false
    }

    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)

    /// Adds a stage. Never waits.
    func add(_ task: StageTask) {
        state.withLock { $0.tasks.append(task) }
        wake.signal()
    }

    /// Makes `isInterrupted` true for the lease until it is forgotten.
    func interrupt(_ lease: LeaseID) {
        state.withLock { state in _ = state.interrupted.insert(lease) }
    }

    /// Whether the stage should stop.
    func isInterrupted(_ lease: LeaseID) -> Bool {
        state.withLock { $0.isStopped || $0.interrupted.contains(lease) }
    }

    /// Drops what is remembered about the lease.
    func forget(_ lease: LeaseID) {
        state.withLock { state in _ = state.interrupted.remove(lease) }
    }

    /// Interrupts everything; `next` gives nil from now on.
    func stop() {
        state.withLock { $0.isStopped = true }
        wake.signal()
    }

    /// Waits, blocking, for the next stage; nil once stopped.
    func next() -> StageTask? {
        while true {
            let (task, isStopped) = state.withLock { state -> (StageTask?, Bool) in
                if state.isStopped || state.tasks.isEmpty { return (nil, state.isStopped) }
                return (state.tasks.removeFirst(), false)
            }
            if task != nil || isStopped { return task }
            wake.wait()
        }
    }
}
