import Synchronization

/// Remembers SIGINT and SIGTERM, which no longer end the process by themselves.
final class Interruption: Sendable {
    private let flag: Flag
    private let trap: SignalTrap

    init() {
        let flag = Flag()
        self.flag = flag
        trap = SignalTrap { _ in flag.value.withLock { $0 = true } }
    }

    /// Whether one of them came.
    var happened: Bool { flag.value.withLock { $0 } }

    private final class Flag: Sendable {
        let value = Mutex(false)
    }
}
