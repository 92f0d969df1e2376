import Crypto
import Farm
import FarmProtocol
import Synchronization
import ZeroMQ

/// A coordinator with one job, whose images a test finishes by hand. Runs on its own thread.
final class FakeFarm: Sendable {
    struct State {
        var images: [ImageStatus] = []
        var submission: Submission?
        var received: [ImageRequest] = []
        var jobState = JobState.active
        var revision: UInt64 = 1
        var blobs: [BlobID: [UInt8]] = [:]
        var controls: [JobAction] = []
        /// Requests that are dropped before one is answered again, as by a coordinator that is restarted.
        var deaf = 0
        /// Draft submissions that are forgotten, each once, when images arrive.
        var forgetful = 0
        var blobReads = 0
        /// Called before a request is answered.
        var onRequest: (@Sendable (inout State, ClientRequest) -> Void)?
    }

    /// What the test and the thread share.
    final class Shared: Sendable {
        let state = Mutex(State())
        let endpoint = Mutex(Endpoint(host: "", port: 0))
    }

    private let shared = Shared()
    let endpoint: Endpoint
    private let thread: PollThread<Handler>

    init(_ context: Context) throws {
        let shared = shared
        thread = try PollThread(name: "fake farm", context: context) { () throws(ZeroMQError) in
            try Handler(context, shared)
        }
        endpoint = shared.endpoint.withLock { $0 }
    }

    deinit { thread.stop() }

    /// Reads or changes its state.
    func with<Value>(_ body: (inout sending State) -> sending Value) -> sending Value {
        shared.state.withLock(body)
    }

    final class Handler: PollHandler {
        private let control: Socket
        private let blobs: Socket
        private let shared: Shared
        private var tokens: (PollItems.Token, PollItems.Token)?
        let blobPort: Int

        init(_ context: Context, _ shared: Shared) throws(ZeroMQError) {
            self.shared = shared
            control = try Socket(context, .router)
            try control.bind("tcp://127.0.0.1:*")
            let endpoint = try Endpoint(parsing: control.boundEndpoint())
            shared.endpoint.withLock { $0 = endpoint }
            blobs = try Socket(context, .router, options: .blobs(chunkBytes: Limits.chunkBytes))
            try blobs.bind("tcp://127.0.0.1:*")
            blobPort = Int(try Endpoint(parsing: blobs.boundEndpoint()).port)
        }

        func prepare(_ items: inout PollItems) -> Int? {
            tokens = (items.add(control), items.add(blobs))
            return nil
        }

        func turn(_ events: [Int], _ items: borrowing PollItems) -> Bool {
            while let frames = try? control.receive() {
                guard case .request(let number, let request)? = try? FarmCodec.decode(frames[1]) else {
                    continue
                }
                guard let reply = shared.state.withLock({ $0.answer(request, blobPort: blobPort) }) else {
                    continue
                }
                guard let bytes = try? FarmCodec.encode(.reply(number: number, reply)) else { continue }
                try? control.send([frames[0], bytes])
            }
            while let frames = try? blobs.receive() {
                guard case .blobRequest(.read(let id, let offset, _))? = try? FarmCodec.decode(frames[1])
                else { continue }
                let reply = shared.state.withLock { $0.read(id, offset) }
                guard let bytes = try? FarmCodec.encode(.blobReply(reply)) else { continue }
                try? blobs.send([frames[0], bytes])
            }
            return true
        }

        func finish(_ error: ZeroMQError?) {}
    }
}

extension FakeFarm.State {
    mutating func finish(_ index: Int, bytes: [UInt8]) {
        guard let digest = Digest(bytes: SHA256.hash(data: bytes)) else { return }
        let id = BlobID(digest)
        blobs[id] = bytes
        images[index].state = .done
        images[index].picture = id
        images[index].pixels = digest
        images[index].stages = [
            StageRecord(stage: StageName("base64"), worker: WorkerID("w1"), seconds: 2.5, attempt: 1)
        ]
        revision += 1
        if images.allSatisfy({ $0.state != .waiting && $0.state != .running }) { jobState = .finished }
    }

    var status: JobStatus {
        var counts = ImageCounts()
        for image in images {
            switch image.state {
            case .waiting: counts.waiting += 1
            case .running: counts.running += 1
            case .done: counts.done += 1
            case .failed: counts.failed += 1
            case .cancelled: counts.cancelled += 1
            }
        }
        return JobStatus(
            id: JobID(1), name: "job", owner: "", priority: 0, state: jobState, model: "emoji",
            modelKey: ModelKey(name: "emoji", hash: .zero), images: counts, tasks: TaskCounts(), waiting: [],
            secondsLeft: nil, submitted: Instant(milliseconds: 0), finished: nil, alarms: 0,
            revision: revision)
    }

    mutating func read(_ id: BlobID, _ offset: Int) -> BlobReply {
        blobReads += 1
        guard let bytes = blobs[id] else { return .refused(id, .notFound) }
        let end = min(bytes.count, offset + 7)
        return .bytes(id, offset: offset, total: bytes.count, bytes: Array(bytes[offset..<end]))
    }

    mutating func answer(_ request: ClientRequest, blobPort: Int) -> ClientReply? {
        onRequest?(&self, request)
        if deaf > 0, request != .hello {
            deaf -= 1
            return nil
        }
        switch request {
        case .hello:
            return .welcome(
                ServerDescription(
                    protocolVersion: 1, build: "test", blobPort: blobPort, farm: FarmID(1), models: [],
                    trouble: nil))
        case .submit(let head):
            if submission?.id != head.id { received = [] }
            submission = head
            return .submission(SubmissionState(id: head.id, received: received.count, job: nil))
        case .submitImages(let id, let first, let images):
            if forgetful > 0 {
                forgetful -= 1
                received = []
                return .refused(Refusal(.notFound, "No such submission."))
            }
            if first == received.count { received += images }
            return .submission(SubmissionState(id: id, received: received.count, job: nil))
        case .submitEnd(let id):
            return .submission(SubmissionState(id: id, received: received.count, job: JobID(1)))
        case .jobs(let before, _): return .jobs(before == nil ? [status] : [])
        case .status(let job, _, _):
            return job == JobID(1) ? .status(status) : .refused(Refusal(.notFound, "There is no job \(job)."))
        case .workers: return .workers([])
        case .control(_, let action):
            controls.append(action)
            return .status(status)
        case .images(_, let from, let limit, _): return .images(Array(images.dropFirst(from).prefix(limit)))
        }
    }
}
