internal import CZeroMQ
internal import Glibc

/// A socket, owned by the thread that made it.
///
/// Each message is a list of frames. Sending and receiving never wait: `PollThread` says when to try.
/// Use from another thread is a programmer's error, which debug builds trap.
package struct Socket: ~Copyable {
    /// What a socket does with its peers.
    package enum Kind: Sendable {
        /// Many peers, each addressed by the identity in the first frame.
        case router
        /// One peer (or several in turn), without lock step.
        case dealer
        /// Exactly one peer in the same process.
        case pair
        /// Answers one question after the other.
        case reply
    }

    /// Most frames a message may have.
    package static let maxFrames = 8

    private let pointer: UnsafeMutableRawPointer
    /// Kept so that the context outlives the socket.
    private let context: Context
    /// Whether connections have keys.
    private let isServer: Bool
    private var owner: pthread_t

    /// Opens a socket for the current thread.
    ///
    /// - Throws: `ZeroMQError.terminated`, or `ZeroMQError.failed` when the context has too many sockets.
    package init(_ context: Context, _ kind: Kind, options: SocketOptions = SocketOptions())
        throws(ZeroMQError)
    {
        let type =
            switch kind {
            case .router: ZMQ_ROUTER
            case .dealer: ZMQ_DEALER
            case .pair: ZMQ_PAIR
            case .reply: ZMQ_REP
            }
        guard let pointer = zmq_socket(context.pointer, type) else { throw ZeroMQError.last("open a socket") }
        do throws(ZeroMQError) {
            try options.apply(to: pointer, kind: kind)
        } catch {
            zmq_close(pointer)
            throw error
        }
        self.pointer = pointer
        self.context = context
        if case .server = options.curve { isServer = true } else { isServer = false }
        owner = pthread_self()
    }

    deinit {
        zmq_close(pointer)
    }

    /// Listens on `endpoint` (`tcp://HOST:PORT`, where the port may be `*`, or `inproc://NAME`).
    ///
    /// - Throws: `ZeroMQError.addressInUse`, `.addressNotAvailable`, `.permissionDenied` or
    ///   `.invalidEndpoint`.
    package borrowing func bind(_ endpoint: String) throws(ZeroMQError) {
        checkThread()
        if zmq_bind(pointer, endpoint) != 0 { throw ZeroMQError.last("bind", endpoint: endpoint) }
    }

    /// Connects to `endpoint`, now or whenever it appears; later losses are mended by themselves.
    ///
    /// - Throws: `ZeroMQError.invalidEndpoint`.
    package borrowing func connect(_ endpoint: String) throws(ZeroMQError) {
        checkThread()
        if zmq_connect(pointer, endpoint) != 0 { throw ZeroMQError.last("connect", endpoint: endpoint) }
    }

    /// Connects a router once more, by a connection of its own that is addressed as `peer`.
    ///
    /// One router can so stand for many peers of the other side, each with its own connection.
    ///
    /// - Parameter peer: 1 to 255 bytes, the first of them not 0; another for each connection.
    /// - Throws: `ZeroMQError.invalidEndpoint`, or `.failed` for a name that is not allowed.
    package borrowing func connect(_ endpoint: String, as peer: [UInt8]) throws(ZeroMQError) {
        checkThread()
        if zmq_setsockopt(pointer, ZMQ_CONNECT_ROUTING_ID, peer, peer.count) != 0 {
            throw ZeroMQError.last("name a connection")
        }
        try connect(endpoint)
    }

    /// The endpoint of the last `bind`, with the port that the system chose.
    ///
    /// - Throws: `ZeroMQError.failed`.
    package borrowing func boundEndpoint() throws(ZeroMQError) -> String {
        checkThread()
        var text = [UInt8](repeating: 0, count: 1024)
        var count = text.count
        if zmq_getsockopt(pointer, ZMQ_LAST_ENDPOINT, &text, &count) != 0 {
            throw ZeroMQError.last("read the bound endpoint")
        }
        return String(decoding: text.prefix(while: { $0 != 0 }), as: UTF8.self)
    }

    /// Sends one message, wholly or not at all, without waiting.
    ///
    /// - Throws: `ZeroMQError.again` when the peer's queue is full, `.hostUnreachable` when a mandatory
    ///   router does not know the peer, `.terminated`.
    package borrowing func send(_ frames: [[UInt8]]) throws(ZeroMQError) {
        checkThread()
        for (index, frame) in frames.enumerated() {
            let flags = index + 1 < frames.count ? ZMQ_DONTWAIT | ZMQ_SNDMORE : ZMQ_DONTWAIT
            while zmq_send(pointer, frame, frame.count, flags) == -1 {
                if zmq_errno() != EINTR { throw ZeroMQError.last("send") }
            }
        }
    }

    /// Takes one message if there is one, without waiting.
    ///
    /// - Parameter maxBytes: most bytes in all frames together.
    /// - Returns: the frames, or nil when nothing is there.
    /// - Throws: `ZeroMQError.messageTooLarge` when the message had more than `maxFrames` frames or more
    ///   bytes than allowed: it is discarded and the next call gives the next message; `.terminated`.
    package borrowing func receive(maxBytes: Int = .max) throws(ZeroMQError) -> [[UInt8]]? {
        try receiveSigned(maxBytes: maxBytes)?.frames
    }

    /// The same with the key of the connection that it came by: the one for which the `Gatekeeper` let it in;
    /// nil on sockets without CURVE.
    ///
    /// The key is read from the message's last frame: the library (4.3.4) loses it on a router's first one.
    package borrowing func receiveSigned(
        maxBytes: Int = .max
    ) throws(ZeroMQError) -> (frames: [[UInt8]], key: CurveKey?)? {
        checkThread()
        var frames: [[UInt8]] = []
        var key: CurveKey?
        var count = 0
        var bytes = 0
        while true {
            let message = Message()
            while zmq_msg_recv(message.pointer, pointer, ZMQ_DONTWAIT) == -1 {
                if zmq_errno() == EINTR { continue }
                if zmq_errno() == EAGAIN { return nil }
                throw ZeroMQError.last("receive")
            }
            count += 1
            bytes += message.count
            if count <= Socket.maxFrames && bytes <= maxBytes { frames.append(message.bytes()) }
            if !message.hasMore {
                if isServer { key = message.key }
                break
            }
        }
        if frames.count < count { throw .messageTooLarge(frames: count, bytes: bytes) }
        return (frames, key)
    }

    /// Waits, blocking, until a message can be read or the time is over. For threads with one socket and no
    /// poll.
    ///
    /// - Returns: whether a message can be read.
    /// - Throws: `ZeroMQError.terminated`.
    @discardableResult
    package borrowing func waitUntilReadable(milliseconds: Int) throws(ZeroMQError) -> Bool {
        var items = PollItems()
        let token = items.add(self)
        try items.poll(milliseconds: milliseconds)
        return items.isReadable(token)
    }

    /// Hands the socket to the current thread. The caller must make sure, by a lock, that no other one is
    /// using it.
    mutating func adopt() {
        owner = pthread_self()
    }

    /// The library's pointer, for the poll that follows at once on the same thread.
    borrowing func pollPointer() -> UnsafeMutableRawPointer {
        checkThread()
        return pointer
    }

    private borrowing func checkThread() {
        assert(
            pthread_equal(owner, pthread_self()) != 0, "a socket was used by a thread that does not own it")
    }
}
