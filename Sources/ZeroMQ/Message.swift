internal import CZeroMQ

/// One frame: bytes owned by the library until the value goes away.
package struct Message: ~Copyable {
    /// On the heap because the library wants a stable address.
    let pointer: UnsafeMutablePointer<zmq_msg_t>

    /// An empty frame, to receive into.
    package init() {
        pointer = .allocate(capacity: 1)
        zmq_msg_init(pointer)
    }

    deinit {
        zmq_msg_close(pointer)
        pointer.deallocate()
    }

    /// Number of bytes.
    package var count: Int { zmq_msg_size(pointer) }

    /// Whether another frame of the same message follows.
    package var hasMore: Bool { zmq_msg_more(pointer) == 1 }

    /// The key of the connection that it came by, as the `Gatekeeper` knows it.
    var key: CurveKey? {
        zmq_msg_gets(pointer, "User-Id").map { CurveKey(known: String(cString: $0)) }
    }

    /// The bytes, for the time of `body`.
    package borrowing func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: zmq_msg_data(pointer), count: zmq_msg_size(pointer)))
    }

    /// A copy of the bytes.
    package borrowing func bytes() -> [UInt8] {
        withBytes { Array($0) }
    }
}
