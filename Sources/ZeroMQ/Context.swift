internal import CZeroMQ
internal import Glibc

/// The library's context: its background threads and its in-process addresses.
///
/// One a process, made where the program is composed and handed to every service. A process must not fork
/// once it has one. Sockets keep their context alive; when the last of them is closed and the context is let
/// go, its end waits for unsent messages at most as long as the sockets' linger time.
package final class Context: Sendable {
    nonisolated(unsafe) let pointer: UnsafeMutableRawPointer

    /// Makes a context with one background thread for input and output.
    ///
    /// - Throws: `ZeroMQError.failed` when the system is out of threads or file descriptors.
    package init() throws(ZeroMQError) {
        guard let pointer = zmq_ctx_new() else { throw ZeroMQError.last("make a context") }
        self.pointer = pointer
    }

    deinit {
        while zmq_ctx_term(pointer) == -1 && zmq_errno() == EINTR {}
    }

    /// The library's version, for example "4.3.4".
    package static var libraryVersion: String {
        var major: Int32 = 0
        var minor: Int32 = 0
        var patch: Int32 = 0
        zmq_version(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }
}
