internal import CZeroMQ

/// How a socket behaves. The defaults are those of the farm's control sockets.
package struct SocketOptions: Hashable, Sendable {
    /// Messages that wait to leave, for each peer; at the limit a send gives `ZeroMQError.again`.
    package var sendLimit: Int32 = 1000
    /// Messages that wait to be read, for each peer; at the limit the peer is held back.
    package var receiveLimit: Int32 = 1000
    /// Longest frame accepted, in bytes; a peer that sends a longer one is disconnected.
    package var maxFrameBytes: Int64 = 1 << 20
    /// How long unsent messages outlive a closed socket, in milliseconds.
    package var lingerMilliseconds: Int32 = 500
    /// How long a peer may take to introduce itself, in milliseconds.
    package var handshakeMilliseconds: Int32 = 10_000
    /// Pause before the library connects again, in milliseconds; it doubles up to
    /// `reconnectLimitMilliseconds`.
    package var reconnectMilliseconds: Int32 = 100
    /// Longest pause before the library connects again, in milliseconds.
    package var reconnectLimitMilliseconds: Int32 = 2_000
    /// For routers: sending to an unknown peer is an error instead of a silent loss.
    package var mandatory = true
    /// Keep messages only for connections that exist, so that nothing piles up for a peer that is not there.
    package var immediate = false
    /// Connections that wait to be accepted; many workers may come back at once.
    package var backlog: Int32 = 4096
    /// Encryption and keys; nil: plain, for loopback only.
    package var curve: CurveSide?

    /// The defaults.
    package init() {}

    /// Defaults for sockets that carry blobs in chunks of at most `chunkBytes` bytes.
    package static func blobs(chunkBytes: Int) -> SocketOptions {
        var options = SocketOptions()
        options.sendLimit = 64
        options.receiveLimit = 64
        options.maxFrameBytes = Int64(chunkBytes) + 4096
        return options
    }
}

extension SocketOptions {
    /// Sets all of them on a fresh socket.
    func apply(to pointer: UnsafeMutableRawPointer, kind: Socket.Kind) throws(ZeroMQError) {
        func set<Value: BitwiseCopyable>(_ option: Int32, _ value: Value) throws(ZeroMQError) {
            var value = value
            if zmq_setsockopt(pointer, option, &value, MemoryLayout<Value>.size) != 0 {
                throw ZeroMQError.last("set option \(option) of a socket")
            }
        }
        try set(ZMQ_SNDHWM, sendLimit)
        try set(ZMQ_RCVHWM, receiveLimit)
        try set(ZMQ_MAXMSGSIZE, maxFrameBytes)
        try set(ZMQ_LINGER, lingerMilliseconds)
        if kind == .pair || kind == .reply { return }
        try set(ZMQ_HANDSHAKE_IVL, handshakeMilliseconds)
        try set(ZMQ_RECONNECT_IVL, reconnectMilliseconds)
        try set(ZMQ_RECONNECT_IVL_MAX, reconnectLimitMilliseconds)
        try set(ZMQ_TCP_KEEPALIVE, Int32(1))
        try set(ZMQ_TCP_KEEPALIVE_IDLE, Int32(30))
        try set(ZMQ_TCP_KEEPALIVE_INTVL, Int32(10))
        try set(ZMQ_TCP_KEEPALIVE_CNT, Int32(3))
        try set(ZMQ_IPV6, Int32(1))
        if kind == .router { try set(ZMQ_ROUTER_MANDATORY, Int32(mandatory ? 1 : 0)) }
        try set(ZMQ_BACKLOG, backlog)
        try curve?.apply(to: pointer)
        if immediate { try set(ZMQ_IMMEDIATE, Int32(1)) }
    }
}
