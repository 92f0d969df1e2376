internal import CZeroMQ
internal import Glibc
internal import Synchronization

/// A system thread of its own, for work that blocks or computes long and so must not sit in Swift's shared
/// pool.
package final class OwnThread: Sendable {
    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private let thread: Mutex<pthread_t?>

    /// Starts `body` on a new thread with a stack of 8 MiB.
    ///
    /// - Parameter name: at most 15 bytes are shown by system tools.
    /// - Throws: `ZeroMQError.threadNotStarted`.
    package init(name: String, body: @escaping @Sendable () -> Void) throws(ZeroMQError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, 8 << 20)
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                pthread_setname_np(pthread_self(), String(start.name.utf8.prefix(15)) ?? "tessera")
                start.body()
                return nil
            }, start.toOpaque())
        if code != 0 {
            start.release()
            throw .threadNotStarted(name: name, reason: String(cString: strerror(code)))
        }
        self.thread = Mutex(thread)
    }

    /// Waits, blocking, until the thread has ended. Returns at once when it was already waited for.
    package func join() {
        let thread = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        if let thread { pthread_join(thread, nil) }
    }

    deinit {
        thread.withLock { thread in
            if let thread { pthread_detach(thread) }
        }
    }
}
