internal import CZeroMQ
internal import Glibc

/// The sockets a poll waits on, and afterwards which of them are ready. Filled anew for each turn.
package struct PollItems: ~Copyable {
    /// Which socket of its owner an item stands for.
    package struct Token: Hashable, Sendable {
        let index: Int
    }

    private var items: [zmq_pollitem_t] = []

    init() {}

    /// Adds a socket to wait on.
    ///
    /// - Parameter wantsToWrite: also end the wait when a message can be sent; ask only with a message at
    ///   hand.
    package mutating func add(_ socket: borrowing Socket, wantsToWrite: Bool = false) -> Token {
        var item = zmq_pollitem_t()
        item.socket = socket.pollPointer()
        item.events = Int16(ZMQ_POLLIN) | (wantsToWrite ? Int16(ZMQ_POLLOUT) : 0)
        items.append(item)
        return Token(index: items.count - 1)
    }

    /// Whether a message can be read.
    package borrowing func isReadable(_ token: Token) -> Bool {
        items[token.index].revents & Int16(ZMQ_POLLIN) != 0
    }

    /// Whether a message can be sent (only for sockets added with `wantsToWrite`).
    package borrowing func isWritable(_ token: Token) -> Bool {
        items[token.index].revents & Int16(ZMQ_POLLOUT) != 0
    }

    mutating func removeAll() {
        items.removeAll(keepingCapacity: true)
    }

    /// Waits until a socket is ready or the time is over; nil waits without end.
    mutating func poll(milliseconds: Int?) throws(ZeroMQError) {
        let timeout = milliseconds.map { max(0, $0) } ?? -1
        if zmq_poll(&items, Int32(items.count), timeout) == -1 && zmq_errno() != EINTR {
            throw ZeroMQError.last("poll")
        }
    }
}
