internal import CZeroMQ
internal import Glibc

/// What can go wrong with a socket, in words.
package enum ZeroMQError: Error, Hashable, Sendable {
    /// Another process (or socket) already listens on `endpoint`.
    case addressInUse(endpoint: String)
    /// `endpoint` names an address that this machine does not have.
    case addressNotAvailable(endpoint: String)
    /// `endpoint` is not of the form `tcp://HOST:PORT`.
    case invalidEndpoint(endpoint: String, reason: String)
    /// The system does not let this process use `endpoint`.
    case permissionDenied(endpoint: String)
    /// A mandatory router knows no peer of the given identity: nothing was sent.
    case hostUnreachable
    /// Nothing to read, or no room to write, at this moment: nothing was sent.
    case again
    /// The context was terminated.
    case terminated
    /// A message had more frames, or more bytes, than allowed; all of it was discarded.
    case messageTooLarge(frames: Int, bytes: Int)
    /// The queue of a poll thread holds `limit` events: the event was not accepted.
    case queueFull(limit: Int)
    /// The poll thread has stopped: the event was not accepted.
    case stopped
    /// A thread could not be started.
    case threadNotStarted(name: String, reason: String)
    /// Any other failure of the library, with its own words.
    case failed(operation: String, reason: String)

    /// The error of the last library call on this thread.
    static func last(_ operation: String, endpoint: String? = nil) -> ZeroMQError {
        let code = zmq_errno()
        switch (code, endpoint) {
        case (EADDRINUSE, let endpoint?): return .addressInUse(endpoint: endpoint)
        case (EADDRNOTAVAIL, let endpoint?), (ENODEV, let endpoint?):
            return .addressNotAvailable(endpoint: endpoint)
        case (EACCES, let endpoint?), (EPERM, let endpoint?): return .permissionDenied(endpoint: endpoint)
        case (EINVAL, let endpoint?), (EPROTONOSUPPORT, let endpoint?):
            return .invalidEndpoint(endpoint: endpoint, reason: "it should read tcp://HOST:PORT")
        case (EHOSTUNREACH, _): return .hostUnreachable
        case (EAGAIN, _): return .again
        case (ZeroMQError.terminatedCode, _): return .terminated
        default: return .failed(operation: operation, reason: String(cString: zmq_strerror(code)))
        }
    }

    /// `ETERM`: a macro that Swift does not import.
    static let terminatedCode: Int32 = 156_384_712 + 53
}

extension ZeroMQError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .addressInUse(let endpoint):
            "\(endpoint) is already in use. Stop the process that listens there, or choose another port."
        case .addressNotAvailable(let endpoint):
            "This machine has no address \(endpoint). Use one of its own, for example tcp://127.0.0.1:7420."
        case .invalidEndpoint(let endpoint, let reason):
            "\"\(endpoint)\" is not an endpoint: \(reason)."
        case .permissionDenied(let endpoint):
            "The system does not permit \(endpoint). Ports below 1024 need privileges; choose a higher one."
        case .hostUnreachable:
            "The peer is not connected; nothing was sent."
        case .again:
            "The socket cannot go on without waiting; nothing was sent or read."
        case .terminated:
            "The messaging context was terminated."
        case .messageTooLarge(let frames, let bytes):
            "A message of \(frames) frames and \(bytes) bytes exceeded the limit and was discarded."
        case .queueFull(let limit):
            "The queue of the messaging thread is full (\(limit) events); try again later."
        case .stopped:
            "The messaging thread has stopped."
        case .threadNotStarted(let name, let reason):
            "The thread \"\(name)\" could not be started: \(reason)."
        case .failed(let operation, let reason):
            "The messaging library failed to \(operation): \(reason)."
        }
    }
}
