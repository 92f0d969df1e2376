import Testing
import ZeroMQ

@Suite struct EndpointTests {
    @Test(arguments: [
        ("tcp://127.0.0.1:7420", "127.0.0.1", UInt16(7420), true, "tcp://127.0.0.1:7420"),
        ("tcp://localhost:1", "localhost", 1, true, "tcp://127.0.0.1:1"),
        ("tcp://[::1]:65535", "::1", 65535, true, "tcp://[::1]:65535"),
        ("tcp://[::ffff:127.0.0.1]:7420", "127.0.0.1", 7420, true, "tcp://127.0.0.1:7420"),
        ("tcp://127.9.9.9:*", "127.9.9.9", 0, true, "tcp://127.9.9.9:*"),
        ("tcp://*:7420", "*", 7420, false, "tcp://*:7420"),
        ("tcp://0.0.0.0:7420", "0.0.0.0", 7420, false, "tcp://0.0.0.0:7420"),
        (
            "tcp://127.0.0.1.example.org:80", "127.0.0.1.example.org", 80, false,
            "tcp://127.0.0.1.example.org:80"
        ),
        ("tcp://127.0.0.example:80", "127.0.0.example", 80, false, "tcp://127.0.0.example:80"),
        ("tcp://box-2:7420", "box-2", 7420, false, "tcp://box-2:7420"),
    ])
    func reads(text: String, host: String, port: UInt16, isLoopback: Bool, address: String) throws {
        let endpoint = try Endpoint(parsing: text)
        #expect(endpoint.host == host)
        #expect(endpoint.port == port)
        #expect(endpoint.isLoopback == isLoopback)
        #expect(endpoint.address == address)
    }

    @Test(arguments: [
        ("127.0.0.1:7420", "it should read tcp://HOST:PORT"),
        ("ipc:///tmp/x", "it should read tcp://HOST:PORT"),
        ("", "it should read tcp://HOST:PORT"),
        ("tcp://box", "the port is missing; write tcp://HOST:PORT"),
        ("tcp://:7420", "the host is missing; write tcp://HOST:PORT"),
        ("tcp://::1:7420", "an IPv6 address stands in brackets, as in tcp://[::1]:7420"),
        ("tcp://a b:7420", "the host \"a b\" has a character that no host name has"),
        ("tcp://box:", "the port \"\" is not a number from 0 to 65535"),
        ("tcp://box:65536", "the port \"65536\" is not a number from 0 to 65535"),
        ("tcp://box:+80", "the port \"+80\" is not a number from 0 to 65535"),
    ])
    func refuses(text: String, reason: String) {
        #expect(throws: ZeroMQError.invalidEndpoint(endpoint: text, reason: reason)) {
            try Endpoint(parsing: text)
        }
    }

    @Test func saysWhatIsWrong() {
        let error = ZeroMQError.addressInUse(endpoint: "tcp://127.0.0.1:7420")
        #expect(
            error.description == """
                tcp://127.0.0.1:7420 is already in use. Stop the process that listens there, \
                or choose another port.
                """)
    }
}
