import Testing
import ZeroMQ

/// Tries until something comes or the peer had 10 s of chances; the wait is the library's poll, not a sleep.
func receive(_ socket: borrowing Socket, maxBytes: Int = .max) throws -> [[UInt8]]? {
    for _ in 0..<100 {
        if let frames = try socket.receive(maxBytes: maxBytes) { return frames }
        try socket.waitUntilReadable(milliseconds: 100)
    }
    return nil
}

@Suite struct SocketTests {
    let context: Context

    init() throws {
        context = try Context()
    }

    private func listen(_ options: SocketOptions = SocketOptions()) throws -> Socket {
        let socket = try Socket(context, .router, options: options)
        try socket.bind("tcp://127.0.0.1:*")
        return socket
    }

    @Test func routerAndDealerExchangeFrames() throws {
        let router = try listen()
        let endpoint = try router.boundEndpoint()
        let dealer = try Socket(context, .dealer)
        try dealer.connect(endpoint)
        let long = [UInt8](repeating: 7, count: 300_000)
        try dealer.send([[1, 2], [], long])
        let got = try #require(try receive(router))
        #expect(got.count == 4)
        #expect(Array(got.dropFirst()) == [[1, 2], [], long])
        try router.send([got[0], [9]])
        #expect(try receive(dealer) == [[9]])
    }

    @Test func unknownPeerIsUnreachable() throws {
        let router = try listen()
        #expect(throws: ZeroMQError.hostUnreachable) { try router.send([[1, 2, 3], [4]]) }
    }

    @Test func gonePeerIsUnreachableInTheEnd() throws {
        let router = try listen()
        let endpoint = try router.boundEndpoint()
        let identity: [UInt8]
        do {
            let dealer = try Socket(context, .dealer)
            try dealer.connect(endpoint)
            try dealer.send([[1]])
            identity = try #require(try receive(router))[0]
        }
        var unreachable = false
        for _ in 0..<100 where !unreachable {
            do throws(ZeroMQError) {
                try router.send([identity, [1]])
                try router.waitUntilReadable(milliseconds: 20)
            } catch {
                unreachable = error == .hostUnreachable
            }
        }
        #expect(unreachable)
    }

    @Test func fullQueueAsksToComeAgain() throws {
        var options = SocketOptions()
        options.sendLimit = 4
        let dealer = try Socket(context, .dealer, options: options)
        let unused = try listen()
        let endpoint = try unused.boundEndpoint()
        _ = consume unused
        try dealer.connect(endpoint)
        #expect(throws: ZeroMQError.again) {
            for _ in 0..<10_000 { try dealer.send([[UInt8](repeating: 0, count: 99)]) }
        }
    }

    @Test func addressInUseNamesTheEndpoint() throws {
        let first = try listen()
        let endpoint = try first.boundEndpoint()
        let second = try Socket(context, .router)
        #expect(throws: ZeroMQError.addressInUse(endpoint: endpoint)) { try second.bind(endpoint) }
        _ = consume first
    }

    @Test func foreignAddressIsNotAvailable() throws {
        let socket = try Socket(context, .router)
        let endpoint = "tcp://192.0.2.1:7420"
        #expect(throws: ZeroMQError.addressNotAvailable(endpoint: endpoint)) { try socket.bind(endpoint) }
    }

    @Test func invalidEndpointIsRefused() throws {
        let socket = try Socket(context, .dealer)
        #expect(
            throws: ZeroMQError.invalidEndpoint(
                endpoint: "nonsense", reason: "it should read tcp://HOST:PORT")
        ) {
            try socket.connect("nonsense")
        }
    }

    @Test func longFrameIsDroppedAndItsSenderCutOff() throws {
        var options = SocketOptions()
        options.maxFrameBytes = 1000
        let router = try listen(options)
        let endpoint = try router.boundEndpoint()
        let rude = try Socket(context, .dealer)
        try rude.connect(endpoint)
        try rude.send([[UInt8](repeating: 1, count: 1001)])
        let polite = try Socket(context, .dealer)
        try polite.connect(endpoint)
        try polite.send([[UInt8](repeating: 2, count: 1000)])
        #expect(try receive(router)?.last?.first == 2)
    }

    @Test func messageOfTooManyFramesIsDiscarded() throws {
        let router = try listen()
        let endpoint = try router.boundEndpoint()
        let dealer = try Socket(context, .dealer)
        try dealer.connect(endpoint)
        try dealer.send(Array(repeating: [1], count: 20))
        try dealer.send([[2]])
        #expect(throws: ZeroMQError.messageTooLarge(frames: 21, bytes: 25)) { try receive(router) }
        #expect(try receive(router)?.last == [2])
    }

    @Test func messageOfTooManyBytesIsDiscarded() throws {
        let router = try listen()
        let endpoint = try router.boundEndpoint()
        let dealer = try Socket(context, .dealer)
        try dealer.connect(endpoint)
        try dealer.send([[UInt8](repeating: 1, count: 60), [UInt8](repeating: 1, count: 60)])
        try dealer.send([[2]])
        #expect(throws: ZeroMQError.messageTooLarge(frames: 3, bytes: 125)) {
            try receive(router, maxBytes: 100)
        }
        #expect(try receive(router, maxBytes: 100)?.last == [2])
    }

    #if DEBUG
        @Test func useFromAnotherThreadIsTrapped() async {
            await #expect(processExitsWith: .failure) {
                let context = try Context()
                let socket = try Socket(context, .pair)
                nonisolated(unsafe) let mine = UnsafeMutablePointer<Socket>.allocate(capacity: 1)
                mine.initialize(to: socket)
                let thread = try OwnThread(name: "thief") { _ = try? mine.pointee.receive() }
                thread.join()
            }
        }
    #endif
}
