import Synchronization
import Testing
import ZeroMQ

/// Echoes what a router receives and keeps what is posted to it.
private final class Echo: PollHandler {
    let log: Log
    let router: Socket
    var token: PollItems.Token?

    init(_ context: Context, _ log: Log) throws(ZeroMQError) {
        self.log = log
        router = try Socket(context, .router)
        try router.bind("tcp://127.0.0.1:*")
        let endpoint = try router.boundEndpoint()
        log.state.withLock { $0.endpoint = endpoint }
    }

    func prepare(_ items: inout PollItems) -> Int? {
        token = items.add(router)
        return nil
    }

    func turn(_ events: [Int], _ items: borrowing PollItems) -> Bool {
        if let token, items.isReadable(token), let frames = try? router.receive() { try? router.send(frames) }
        log.state.withLock { $0.events += events }
        return !events.contains(-1)
    }

    func finish(_ error: ZeroMQError?) {
        log.state.withLock { $0.isFinished = error == nil }
    }
}

private final class Log: Sendable {
    struct State {
        var endpoint = ""
        var events: [Int] = []
        var isFinished = false
    }
    let state = Mutex(State())
}

@Suite struct PollThreadTests {
    @Test func postsFromManyThreadsAllArriveInEachThreadsOrder() throws {
        let context = try Context()
        let log = Log()
        let poll = try PollThread(name: "echo", context: context) { () throws(ZeroMQError) in
            try Echo(context, log)
        }
        let threads = try (0..<4).map { number in
            try OwnThread(name: "poster") { for index in 0..<1000 { try? poll.post(number * 1000 + index) } }
        }
        for thread in threads { thread.join() }
        poll.stop()
        poll.join()
        let state = log.state.withLock { $0 }
        #expect(state.isFinished)
        #expect(state.events.count == 4000)
        for number in 0..<4 {
            #expect(state.events.filter { $0 / 1000 == number } == Array(number * 1000..<(number + 1) * 1000))
        }
    }

    @Test func socketsAreServedWhileNothingIsPosted() throws {
        let context = try Context()
        let log = Log()
        let poll = try PollThread(name: "echo", context: context) { () throws(ZeroMQError) in
            try Echo(context, log)
        }
        let dealer = try Socket(context, .dealer)
        try dealer.connect(log.state.withLock { $0.endpoint })
        try dealer.send([[5]])
        #expect(try receive(dealer) == [[5]])
        poll.stop()
        poll.join()
    }

    @Test func handlerMayEndByItself() throws {
        let context = try Context()
        let log = Log()
        let poll = try PollThread(name: "echo", context: context) { () throws(ZeroMQError) in
            try Echo(context, log)
        }
        try poll.post(-1)
        poll.join()
        #expect(log.state.withLock { $0.isFinished })
        #expect(throws: ZeroMQError.stopped) { try poll.post(1) }
    }

    @Test func fullQueueRefuses() throws {
        let context = try Context()
        let log = Log()
        let poll = try PollThread(name: "echo", context: context, limit: 0) {
            () throws(ZeroMQError) in try Echo(context, log)
        }
        #expect(throws: ZeroMQError.queueFull(limit: 0)) { try poll.post(1) }
        poll.stop()
        poll.join()
    }

    @Test func failureToBuildTheHandlerReachesTheCaller() throws {
        let context = try Context()
        let taken = try Socket(context, .router)
        try taken.bind("tcp://127.0.0.1:*")
        let endpoint = try taken.boundEndpoint()
        #expect(throws: ZeroMQError.addressInUse(endpoint: endpoint)) {
            try PollThread<Echo>(name: "echo", context: context) { () throws(ZeroMQError) in
                let socket = try Socket(context, .router)
                try socket.bind(endpoint)
                return try Echo(context, Log())
            }
        }
    }
}
