package import Farm
internal import FarmProtocol
package import ZeroMQ

/// A client of one coordinator. Its calls block; it belongs to the thread that made it.
///
///     let client = try FarmClient(endpoint, context: context)
///     let job = try client.submit(prompts, as: JobTerms(model: "emoji")) { sent, total in … }
///     let status = try client.watch(job) { print($0.images.done) }
///
/// Calls outlive a restart of the coordinator: what got no answer is asked again. Every request may be asked
/// twice without harm.
package final class FarmClient {
    /// How long calls wait and how they are stopped.
    package struct Options {
        /// Longest silence of the coordinator before a call fails, in milliseconds.
        package var patienceMilliseconds: Int64 = 20_000
        /// Longest silence before the first answer, in milliseconds.
        package var connectMilliseconds: Int64 = 5_000
        /// Keys to the coordinator; nil: none, as on loopback.
        package var keys: PeerKeys?
        /// Asked several times a second; true makes the call throw `ClientError.interrupted`.
        package var isInterrupted: () -> Bool = { false }
        /// Called once when a call that waits without limit hears nothing for `patienceMilliseconds`.
        package var onSilence: () -> Void = {}

        /// The defaults.
        package init() {}
    }

    /// Milliseconds without an answer after which a request is sent again.
    private static let repeatPause: Int64 = 2_000
    /// Longest single wait, in milliseconds, so that an interruption is seen soon.
    private static let slice: Int64 = 100

    /// Where the coordinator is.
    package let endpoint: Endpoint
    /// Who it is, as it said at the beginning.
    package private(set) var server: ServerDescription
    let options: Options
    /// Longest silence before a call fails, in milliseconds.
    package var patienceMilliseconds: Int64 { options.patienceMilliseconds }
    /// Whether the user asked to stop; for work between calls.
    package var isInterrupted: Bool { options.isInterrupted() }
    private let context: Context
    private let control: Socket
    private var blobs: Socket
    private var number: UInt64 = 0

    /// Connects and waits for the coordinator's introduction.
    ///
    /// - Throws: `ClientError.coordinatorNotReachable`, `.unexpectedAnswer`, `.interrupted`, `.messaging`.
    package init(_ endpoint: Endpoint, context: Context, options: Options = Options()) throws(ClientError) {
        self.endpoint = endpoint
        self.context = context
        self.options = options
        server = ServerDescription(
            protocolVersion: 0, build: "", blobPort: 0, farm: FarmID(0), models: [], trouble: nil)
        do {
            var control = SocketOptions()
            control.immediate = true
            control.curve = options.keys?.side
            control.maxFrameBytes = Int64(Limits.controlMessageBytes)
            self.control = try Socket(context, .dealer, options: control)
            blobs = try FarmClient.blobSocket(context, options)
            try self.control.connect(endpoint.address)
        } catch {
            throw .messaging(error.description)
        }
        try greet(patience: options.connectMilliseconds)
    }

    /// Asks for the introduction and opens the blob socket that it names.
    private func greet(patience: Int64?) throws(ClientError) {
        guard case .welcome(let server) = try ask(.hello, patience: patience) else { throw unexpected }
        self.server = server
        guard let port = UInt16(exactly: server.blobPort) else { throw unexpected }
        do {
            blobs = try FarmClient.blobSocket(context, options)
            try blobs.connect(endpoint.with(port: port).address)
        } catch {
            throw .messaging(error.description)
        }
    }

    private static func blobSocket(_ context: Context, _ options: Options) throws(ZeroMQError) -> Socket {
        var socket = SocketOptions.blobs(chunkBytes: Limits.chunkBytes)
        socket.curve = options.keys?.side
        return try Socket(context, .dealer, options: socket)
    }

    /// The error for silence.
    private var silence: ClientError {
        let place = endpoint.description
        return options.keys == nil
            ? .coordinatorNotReachable(endpoint: place) : .keyNotAccepted(endpoint: place)
    }

    /// Asks and waits for the answer.
    ///
    /// - Parameters:
    ///   - heldMilliseconds: how long the coordinator may hold the answer back.
    ///   - patience: longest silence in milliseconds; nil waits without limit.
    func ask(
        _ request: ClientRequest, heldMilliseconds: Int64 = 0, patience: Int64?
    ) throws(ClientError) -> ClientReply {
        number += 1
        let bytes: [UInt8]
        do {
            bytes = try FarmCodec.encode(.request(number: number, request))
        } catch {
            throw .messaging(error.description)
        }
        var wait = SilenceWatch(limit: patience.map { $0 + heldMilliseconds }, options)
        var sent: Int64?
        while true {
            if options.isInterrupted() { throw .interrupted }
            let now = wait.milliseconds
            if sent.map({ now - $0 >= FarmClient.repeatPause + heldMilliseconds }) ?? true, try send(bytes) {
                sent = now
            }
            if let reply = try reply() {
                if case .refused(let refusal) = reply { throw .refused(refusal) }
                return reply
            }
            if wait.isOver() { throw silence }
            try messaging { () throws(ZeroMQError) in
                try control.waitUntilReadable(milliseconds: Int(sent == nil ? 20 : FarmClient.slice))
            }
        }
    }

    /// The error for an answer to another question.
    var unexpected: ClientError { .unexpectedAnswer(endpoint: endpoint.description) }

    /// Whether it went out; it does not while nobody is connected.
    private func send(_ bytes: [UInt8]) throws(ClientError) -> Bool {
        do {
            try control.send([bytes])
            return true
        } catch .again {
            return false
        } catch {
            throw .messaging(error.description)
        }
    }

    /// The answer to the last request, if it has come. Answers to earlier ones are dropped.
    private func reply() throws(ClientError) -> ClientReply? {
        while true {
            do throws(ZeroMQError) {
                guard let frames = try control.receive(maxBytes: Limits.controlMessageBytes) else {
                    return nil
                }
                switch Result(catching: { () throws(CodecError) in try FarmCodec.decode(frames.first ?? []) })
                {
                case .success(.reply(number, let reply)): return reply
                case .success(.order(.refused(let text))):
                    return .refused(Refusal(.invalid, text))
                case .success(.reply), .success(.order), .success(.blobReply): continue
                case .success, .failure: throw ZeroMQError.again
                }
            } catch {
                if case .messageTooLarge = error { continue }
                if error == .again { throw unexpected }
                throw .messaging(error.description)
            }
        }
    }

    @discardableResult
    private func messaging<Value>(_ body: () throws(ZeroMQError) -> Value) throws(ClientError) -> Value {
        do {
            return try body()
        } catch {
            throw .messaging(error.description)
        }
    }
}

extension FarmClient {
    /// Fetches a blob and checks its hash.
    ///
    /// - Parameter patience: longest silence in milliseconds; nil waits without limit.
    /// - Returns: its bytes, or why the coordinator does not give them.
    func blob(_ id: BlobID, patience: Int64?) throws(ClientError) -> BlobAnswer {
        var download = BlobDownload(id)
        var wait = SilenceWatch(limit: patience, options)
        var due: Int64 = 0
        while true {
            if options.isInterrupted() { throw .interrupted }
            if wait.milliseconds >= due {
                if due > 0 { try greet(patience: patience) }
                try sendBlobRequest(download.request)
                due = wait.milliseconds + FarmClient.repeatPause
            }
            while let reply = try blobReply() {
                switch download.take(reply) {
                case .ignore: continue
                case .ask:
                    wait.reset()
                    try sendBlobRequest(download.request)
                    due = FarmClient.repeatPause
                case .complete:
                    return download.hasRightBytes ? .bytes(download.bytes) : .refused(.wrongHash)
                case .refused(let refusal): return .refused(refusal)
                }
            }
            if wait.isOver() { throw silence }
            try messaging { () throws(ZeroMQError) in
                try blobs.waitUntilReadable(milliseconds: Int(FarmClient.slice))
            }
        }
    }

    private func sendBlobRequest(_ request: BlobRequest) throws(ClientError) {
        guard let bytes = try? FarmCodec.encode(.blobRequest(request)) else { return }
        do {
            try blobs.send([bytes])
        } catch {
            if error != .again { throw .messaging(error.description) }
        }
    }

    private func blobReply() throws(ClientError) -> BlobReply? {
        while true {
            let frames = try messaging { () throws(ZeroMQError) in try blobs.receive() }
            guard let frames else { return nil }
            if case .blobReply(let reply)? = try? FarmCodec.decode(frames.first ?? []) { return reply }
        }
    }
}

/// What came of asking for a blob.
enum BlobAnswer {
    /// All its bytes, their hash checked.
    case bytes([UInt8])
    /// Why it did not come.
    case refused(BlobRefusal)
}
