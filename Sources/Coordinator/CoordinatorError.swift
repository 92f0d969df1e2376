package import Store
package import ZeroMQ

/// Why a coordinator does not start.
package enum CoordinatorError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The data folder cannot be used.
    case store(StoreError)
    /// The address cannot be used.
    case network(ZeroMQError)
    /// Other machines could reach the address, and there are no keys.
    case notLoopback(endpoint: String)
    /// The keys cannot be used.
    case keys(KeyError)
    /// The address for blobs, one port after the coordinator's own, cannot be used.
    case blobs(ZeroMQError)
    /// There is no port after this one for the blobs.
    case noBlobPort(endpoint: String)

    package var description: String {
        switch self {
        case .store(let error): error.description
        case .network(let error): "\(error) The coordinator's address is given with --listen."
        case .blobs(let error): "\(error) Blobs use the port after that of --listen."
        case .notLoopback(let endpoint):
            "The coordinator does not listen on \(endpoint): other machines could reach it without a key. "
                + "Make keys with `tessera keys init DIR` and give them with --keys DIR, "
                + "or listen on tcp://127.0.0.1:7420."
        case .keys(let error): error.description
        case .noBlobPort(let endpoint):
            "The coordinator cannot listen on \(endpoint): blobs need the port after it. "
                + "Choose one below 65535."
        }
    }
}
