internal import Glibc
internal import Synchronization

/// Numbers the in-process wake addresses.
enum WakeNumber {
    private static let counter = Atomic<UInt64>(0)

    static func next() -> UInt64 {
        counter.wrappingAdd(1, ordering: .relaxed).oldValue
    }
}

/// Carries a socket from the thread that made it to the one that will own it.
final class SocketBox: Sendable {
    private let socket: Mutex<Socket?>

    init(_ socket: consuming sending Socket) {
        self.socket = Mutex(socket)
    }

    /// The socket, now owned by the current thread. Called once.
    func take() -> Socket {
        socket.withLock { socket in
            guard var taken = socket.take() else { fatalError("a socket was taken twice") }
            taken.adopt()
            return taken
        }
    }
}

/// Lets one thread wait until another has started, and tells how that went.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var error: ZeroMQError?
    }

    private let state = Mutex(State())
    private let semaphore: Semaphore

    init() {
        semaphore = Semaphore()
    }

    func open(with error: ZeroMQError?) {
        state.withLock { $0 = State(isOpen: true, error: error) }
        semaphore.signal()
    }

    func wait() -> ZeroMQError? {
        semaphore.wait()
        return state.withLock { $0.error }
    }
}

/// A counting semaphore for threads outside Swift's shared pool.
final class Semaphore: Sendable {
    nonisolated(unsafe) private let pointer: UnsafeMutablePointer<sem_t>

    init() {
        pointer = .allocate(capacity: 1)
        sem_init(pointer, 0, 0)
    }

    deinit {
        sem_destroy(pointer)
        pointer.deallocate()
    }

    func signal() {
        sem_post(pointer)
    }

    func wait() {
        while sem_wait(pointer) == -1 && errno == EINTR {}
    }
}
