/// A TCP address of the farm: `tcp://HOST:PORT`.
package struct Endpoint: Hashable, Sendable {
    /// A name, an IPv4 address, an IPv6 address without brackets, or `*` for all addresses of this machine.
    package let host: String
    /// 0 lets the system choose (only for listening).
    package let port: UInt16

    /// An endpoint from its parts.
    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `tcp://HOST:PORT`. `*` as a port is the same as 0; an IPv6 address stands in brackets.
    ///
    /// - Throws: `ZeroMQError.invalidEndpoint`, with what is wrong.
    package init(parsing text: String) throws(ZeroMQError) {
        func invalid(_ reason: String) -> ZeroMQError { .invalidEndpoint(endpoint: text, reason: reason) }
        let scheme = "tcp://"
        guard text.hasPrefix(scheme) else { throw invalid("it should read tcp://HOST:PORT") }
        let rest = text.dropFirst(scheme.count)
        guard let colon = rest.lastIndex(of: ":") else {
            throw invalid("the port is missing; write tcp://HOST:PORT")
        }
        var host = rest[..<colon]
        let port = rest[rest.index(after: colon)...]
        if host.hasPrefix("[") && host.hasSuffix("]") && host.count > 2 {
            host = host.dropFirst().dropLast()
            // How the system writes an IPv4 address on a socket that takes both kinds.
            let mapped = "::ffff:"
            if host.lowercased().hasPrefix(mapped), host.contains(".") { host = host.dropFirst(mapped.count) }
        } else if host.contains(":") || host.contains("[") || host.contains("]") {
            throw invalid("an IPv6 address stands in brackets, as in tcp://[::1]:7420")
        }
        if host.isEmpty { throw invalid("the host is missing; write tcp://HOST:PORT") }
        let allowed = host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: [".", "-", "_", ":", "%", "*"].contains(Unicode.Scalar(byte))
            }
        }
        if !allowed { throw invalid("the host \"\(host)\" has a character that no host name has") }
        if port == "*" {
            self.init(host: String(host), port: 0)
            return
        }
        guard port.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = UInt16(port)
        else { throw invalid("the port \"\(port)\" is not a number from 0 to 65535") }
        self.init(host: String(host), port: number)
    }

    /// Whether only processes on this machine can reach it.
    package var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.first == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// The same host with another port.
    package func with(port: UInt16) -> Endpoint {
        Endpoint(host: host, port: port)
    }

    /// As the library wants it for `bind` and `connect`: numbers for localhost, `*` for a chosen port.
    package var address: String {
        let host = self.host == "localhost" ? "127.0.0.1" : self.host
        return "tcp://\(host.contains(":") ? "[\(host)]" : host):\(port == 0 ? "*" : String(port))"
    }
}

extension Endpoint: CustomStringConvertible {
    package var description: String {
        "tcp://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
}
