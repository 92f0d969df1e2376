internal import Synchronization

/// What runs on a `PollThread`: owns its sockets and touches them only from the calls below.
package protocol PollHandler: AnyObject, SendableMetatype {
    /// What other threads may send to it.
    associatedtype Event: Sendable

    /// Adds the sockets to wait on.
    ///
    /// - Returns: the longest wait in milliseconds, nil for no limit.
    func prepare(_ items: inout PollItems) -> Int?

    /// One turn: what was posted since the last one, and which sockets are ready.
    ///
    /// - Returns: whether to go on.
    func turn(_ events: [Event], _ items: borrowing PollItems) -> Bool

    /// Called once, last, on the same thread, after `PollThread.stop()` or when `turn` gave false or polling
    /// failed.
    func finish(_ error: ZeroMQError?)
}

/// The one thread on which sockets live: a poll over them and over an in-process wake socket, so that other
/// threads can post events at any time. It never touches Swift's cooperative pool. It runs, and keeps itself
/// alive, until `stop`.
///
///     let thread = try PollThread(name: "control", context: context) { try MyHandler(context) }
///     try thread.post(.hello)
///     thread.stop()
///     thread.join()
package final class PollThread<Handler: PollHandler>: Sendable {
    private struct Inbox: ~Copyable {
        var events: [Handler.Event] = []
        var isStopped = false
        var isWoken = false
        /// Used by any thread, but only under the lock.
        var wake: Socket
    }

    /// Most events that wait; `post` refuses more.
    package let limit: Int
    private let inbox: Mutex<Inbox>
    private let thread: Mutex<OwnThread?>

    /// Starts the thread; returns when `make` has run on it.
    ///
    /// - Parameters:
    ///   - limit: most posted events that may wait.
    ///   - make: builds the handler, with its sockets, on the new thread.
    /// - Throws: what `make` throws, or `ZeroMQError.threadNotStarted`.
    package init(
        name: String, context: Context, limit: Int = 65_536,
        make: @escaping @Sendable () throws(ZeroMQError) -> Handler
    ) throws(ZeroMQError) {
        self.limit = limit
        let address = "inproc://wake-\(WakeNumber.next())"
        let reader = try Socket(context, .pair)
        try reader.bind(address)
        let writer = try Socket(context, .pair)
        try writer.connect(address)
        inbox = Mutex(Inbox(wake: writer))
        thread = Mutex(nil)
        let box = SocketBox(reader)
        let started = Gate()
        let own = try OwnThread(name: name) { [self] in
            let reader = box.take()
            do throws(ZeroMQError) {
                let handler = try make()
                started.open(with: nil)
                run(handler, wake: reader)
            } catch {
                inbox.withLock { $0.isStopped = true }
                started.open(with: error)
            }
        }
        if let error = started.wait() {
            own.join()
            throw error
        }
        thread.withLock { $0 = own }
    }

    /// Hands an event to the handler's next turn. From any thread; never waits.
    ///
    /// - Throws: `ZeroMQError.queueFull` or `.stopped`: the event was not accepted.
    package func post(_ event: Handler.Event) throws(ZeroMQError) {
        let error: ZeroMQError? = inbox.withLock { inbox in
            if inbox.isStopped { return .stopped }
            if inbox.events.count >= limit { return .queueFull(limit: limit) }
            inbox.events.append(event)
            PollThread.wake(&inbox)
            return nil
        }
        if let error { throw error }
    }

    /// Asks the thread to end after the events posted before. From any thread; never waits.
    package func stop() {
        inbox.withLock { inbox in
            if inbox.isStopped { return }
            inbox.isStopped = true
            PollThread.wake(&inbox)
        }
    }

    /// Waits, blocking, until the thread has ended and its sockets are closed.
    package func join() {
        let own = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        own?.join()
    }

    /// At most one wake message is under way, so its socket cannot fill up.
    private static func wake(_ inbox: inout Inbox) {
        if inbox.isWoken { return }
        inbox.wake.adopt()
        inbox.isWoken = (try? inbox.wake.send([[]])) != nil
    }

    private func run(_ handler: Handler, wake: borrowing Socket) {
        var items = PollItems()
        do throws(ZeroMQError) {
            while true {
                items.removeAll()
                let wakeToken = items.add(wake)
                let milliseconds = handler.prepare(&items)
                try items.poll(milliseconds: milliseconds)
                if items.isReadable(wakeToken) { _ = try wake.receive() }
                let (events, isStopped) = takeEvents()
                if !handler.turn(events, items) || isStopped { break }
            }
            close()
            handler.finish(nil)
        } catch {
            close()
            handler.finish(error)
        }
    }

    private func takeEvents() -> ([Handler.Event], Bool) {
        inbox.withLock { inbox in
            defer { inbox.events = [] }
            inbox.isWoken = false
            return (inbox.events, inbox.isStopped)
        }
    }

    private func close() {
        inbox.withLock { inbox in
            inbox.isStopped = true
            inbox.events = []
        }
    }
}
