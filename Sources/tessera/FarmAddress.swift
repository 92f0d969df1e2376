import ZeroMQ

/// Where a farm listens.
enum FarmAddress {
    /// When nobody says otherwise.
    static let standard = "tcp://127.0.0.1:7420"

    /// How processes of this machine reach what listens on `text`: all addresses include loopback.
    static func local(_ text: String) -> String {
        guard let endpoint = try? Endpoint(parsing: text) else { return text }
        switch endpoint.host {
        case "*", "0.0.0.0": return Endpoint(host: "127.0.0.1", port: endpoint.port).description
        case "::": return Endpoint(host: "::1", port: endpoint.port).description
        default: return text
        }
    }

    /// Reads `tcp://HOST:PORT` to connect to; what is wrong with it is wrong usage.
    static func endpoint(_ text: String) throws -> Endpoint {
        let endpoint: Endpoint
        do {
            endpoint = try Endpoint(parsing: text)
        } catch {
            throw UsageError("\(error)")
        }
        guard endpoint.port != 0, endpoint.host != "*" else {
            throw UsageError(
                "\(text) is no address to connect to: give the coordinator's host and port, "
                    + "as in \(standard).")
        }
        return endpoint
    }
}
