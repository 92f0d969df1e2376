import ZeroMQ

/// Where a farm listens.
enum FarmAddress {
    /// When nobody says otherwise.
    static let standard = "tcp://127.0.0.1:7420"

    /// Reads `tcp://HOST:PORT`; what is wrong with it is wrong usage.
    static func endpoint(_ text: String) throws -> Endpoint {
        do {
            return try Endpoint(parsing: text)
        } catch {
            throw UsageError("\(error)")
        }
    }
}
