import Client
import Farm
import FarmProtocol
import Foundation
import ZeroMQ

/// Measures one farm size: a coordinator in its own process and on its own disk, many workers without an
/// engine, a job of cheap tasks, which travel several at a time, and two of dear ones, which travel alone: as
/// fast as they go and at half that rate.
struct DispatchBenchmark {
    /// What was measured.
    struct Row: Encodable {
        var workers = 0
        var images = 0
        /// Until the coordinator had the whole job on disk.
        var acceptSeconds = 0.0
        /// Dispatched and durably committed, from the first task to the last acknowledgement.
        var tasksPerSecond = 0.0
        /// The dispatch latency, where tasks take no time: the coordinator does what it can, and a worker's
        /// turn comes after all others'.
        var fullLoad = Quantiles()
        /// Tasks that travel alone, dispatched and committed as fast as it goes.
        var singlyTasksPerSecond = 0.0
        /// The dispatch latency while such tasks take so long that half as many come: a sustained load.
        var halfLoad = Quantiles()
        var halfLoadTasksPerSecond = 0.0
        /// The slowest of several answers to `tessera status` while the job ran.
        var statusMilliseconds = 0.0
        var coordinatorProcessorSeconds = 0.0
        /// The coordinator's processor time over the time that went by; 1 is one core.
        var fullLoadProcessors = 0.0
        var halfLoadProcessors = 0.0
        var coordinatorPeakBytes = 0
        /// From the start of a killed coordinator to its first answer.
        var restartSeconds = 0.0
    }

    /// Milliseconds of dispatch latency that half, and 99 of 100, do not exceed; nil where no worker waited.
    ///
    /// The latency of a task given to a worker with nothing to do: from the moment when the worker's last
    /// result leaves it to the moment when the next task arrives. So both ways over the wire, the wait in
    /// the coordinator's socket and its turn, with the commit of that result and the new lease, are in it.
    struct Quantiles: Encodable {
        var p50: Double?
        var p99: Double?

        init() {}
        init(_ latency: LatencyHistogram) {
            guard latency.total > 0 else { return }
            p50 = latency.quantile(0.5)
            p99 = latency.quantile(0.99)
        }
    }

    /// What every task gives: the blob of these bytes.
    private static let content = Array("nothing".utf8)
    private static let digest =
        Digest(hex: "1785cfc3bc6ac7738e8b38cdccd1af12563c2b9070e07af336a1bf8c0f772b6a") ?? .zero
    /// Models whose one stage the swarm pretends to run, one for each job: what two jobs have in common is
    /// computed once. The coordinator gives ahead what it measured to be cheap. Of dear ones it is told that
    /// they take ten seconds, so none is sent ahead, as for real stages.
    private static let cheap = model("cheap")
    private static let (dear, steady) = (model("dear"), model("steady"))
    private static let dearSeconds = 10.0

    private static func model(_ name: String) -> ModelAnnouncement {
        ModelAnnouncement(
            key: ModelKey(name: name, hash: digest), version: "1",
            stages: [AnnouncedStage(name: StageName("nothing"), steps: 1, guidance: nil, size: 64)])
    }

    /// Seconds that the jobs of dear tasks take, about: the first at the cheap tasks' rate.
    private static let (singlySeconds, halfLoadSeconds) = (2.5, 10.0)

    let data: String
    let listen: String
    let workers: Int
    let images: Int
    let interruption: Interruption

    /// Runs it all in a folder of its own below `data`, which it removes at the end, however it ends.
    ///
    /// - Throws: `OperationError`, and `ClientError.interrupted` after SIGINT or SIGTERM.
    func run() throws -> Row {
        let folder = "\(data)/dispatch-\(workers)-\(images)-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let endpoint = try FarmAddress.endpoint(listen)
        let context = try Context()
        let coordinator = try CoordinatorProcess(data: folder, listen: listen)
        defer { coordinator.kill() }
        var row = Row(workers: workers, images: images)
        do {
            let client = try connect(endpoint, context)
            try storeContent(endpoint.with(port: UInt16(client.server.blobPort)), context)
            let tally = SwarmTally()
            let workers = workers
            let swarm = try PollThread(name: "swarm", context: context) { () throws(ZeroMQError) in
                try WorkerSwarm(
                    context, endpoint: endpoint, count: workers, models: [Self.cheap, Self.dear, Self.steady],
                    blob: BlobID(Self.digest),
                    tally: tally)
            }
            defer {
                swarm.stop()
                swarm.join()
            }
            let measured = Measurement(
                coordinator: coordinator, client: client, swarm: swarm, tally: tally)
            try wait("The workers are not welcomed.", measured) { tally.now.welcome >= workers }
            try measureFullLoad(measured, &row)
            try measureSingly(measured, &row)
            try measureHalfLoad(measured, &row)
        }
        row.coordinatorPeakBytes = coordinator.peakBytes
        coordinator.kill()
        let start = ContinuousClock.now
        let again = try CoordinatorProcess(data: folder, listen: listen)
        defer { again.kill() }
        _ = try connect(endpoint, context)
        row.restartSeconds = Self.seconds(since: start)
        return row
    }

    /// Who takes part in a measurement.
    private struct Measurement {
        let coordinator: CoordinatorProcess
        let client: FarmClient
        let swarm: PollThread<WorkerSwarm>
        let tally: SwarmTally
    }

    private func measureFullLoad(_ measured: Measurement, _ row: inout Row) throws {
        let before = measured.coordinator.processorSeconds
        let start = ContinuousClock.now
        let job = try submit(images, of: Self.cheap, measured)
        row.acceptSeconds = Self.seconds(since: start)
        try wait("The job does not end.", measured) {
            let asked = ContinuousClock.now
            _ = try measured.client.status(job)
            row.statusMilliseconds = max(row.statusMilliseconds, Self.seconds(since: asked) * 1000)
            return measured.tally.now.commits >= images
        }
        let counts = try checked(measured.tally.now)
        row.coordinatorProcessorSeconds = measured.coordinator.processorSeconds - before
        row.fullLoadProcessors = row.coordinatorProcessorSeconds / Self.seconds(since: start)
        row.tasksPerSecond = counts.rate
        row.fullLoad = Quantiles(counts.latency)
    }

    private func measureSingly(_ measured: Measurement, _ row: inout Row) throws {
        let images = max(workers * 3, Int(row.tasksPerSecond * Self.singlySeconds))
        _ = try submit(images, of: Self.dear, measured)
        try wait("The job of single tasks does not end.", measured) { measured.tally.now.commits >= images }
        row.singlyTasksPerSecond = try checked(measured.tally.now).rate
    }

    private func measureHalfLoad(_ measured: Measurement, _ row: inout Row) throws {
        let rate = row.singlyTasksPerSecond / 2
        let milliseconds = min(60_000, max(1, Int64(Double(workers) / rate * 1000)))
        let images = max(workers * 3, Int(rate * Self.halfLoadSeconds))
        _ = try submit(images, of: Self.steady, measured, taskMilliseconds: milliseconds)
        let before = measured.coordinator.processorSeconds
        let start = ContinuousClock.now
        try wait("The job at half load does not end.", measured) { measured.tally.now.commits >= images }
        let counts = try checked(measured.tally.now)
        row.halfLoadProcessors =
            (measured.coordinator.processorSeconds - before) / Self.seconds(since: start)
        row.halfLoadTasksPerSecond = counts.rate
        row.halfLoad = Quantiles(counts.latency)
    }

    private func checked(_ counts: SwarmTally.Counts) throws -> SwarmTally.Counts {
        guard counts.troubles == 0 else {
            throw OperationError(
                "The swarm had trouble \(counts.troubles) times, at last: \(counts.trouble).")
        }
        return counts
    }

    /// One prompt, `images` times, each with a seed of its own.
    private func submit(
        _ images: Int, of model: ModelAnnouncement, _ measured: Measurement, taskMilliseconds: Int64 = 0
    ) throws -> JobID {
        let path = "\(data)/dispatch-\(getpid()).txt"
        defer { unlink(path) }
        try OutputFile(path: path).write(Array("a strawberry on a blue background\n".utf8))
        let prompts = try PromptFile(path: path, defaults: try PromptDefaults(size: 64, count: images))
        measured.tally.begin()
        let seconds = model == Self.cheap ? 0 : Self.dearSeconds
        try measured.swarm.post(.begin(taskMilliseconds: taskMilliseconds, saidSeconds: seconds))
        return try measured.client.submit(prompts, as: JobTerms(model: model.key.name))
    }

    private func connect(_ endpoint: Endpoint, _ context: Context) throws -> FarmClient {
        var options = FarmClient.Options()
        options.connectMilliseconds = 120_000
        options.isInterrupted = { [interruption] in interruption.happened }
        return try FarmClient(endpoint, context: context, options: options)
    }

    private func storeContent(_ endpoint: Endpoint, _ context: Context) throws {
        let socket = try Socket(context, .dealer, options: .blobs(chunkBytes: Limits.chunkBytes))
        try socket.connect(endpoint.address)
        let upload = BlobUpload(BlobID(Self.digest), bytes: Self.content)
        var request = upload.offer
        while true {
            try socket.send([FarmCodec.encode(.blobRequest(request))])
            guard try socket.waitUntilReadable(milliseconds: 10_000), let bytes = try socket.receive()?.first,
                case .blobReply(let reply) = try FarmCodec.decode(bytes)
            else { throw OperationError("The coordinator does not take a blob.") }
            switch upload.take(reply) {
            case .send(let chunk): request = chunk
            case .stored: return
            case .ignore, .refused: throw OperationError("The coordinator refuses a blob.")
            }
        }
    }

    /// Asks ten times a second; gives up when the coordinator has ended, when the user stopped it, and when
    /// nothing came about for an hour.
    private func wait(
        _ complaint: String, _ measured: Measurement, until isOver: () throws -> Bool
    ) throws {
        let start = ContinuousClock.now
        while try !isOver() {
            if interruption.happened { throw ClientError.interrupted }
            try measured.coordinator.check()
            guard Self.seconds(since: start) < 3600 else { throw OperationError(complaint) }
            Thread.sleep(forTimeInterval: 0.1)
        }
    }

    private static func seconds(since start: ContinuousClock.Instant) -> Double {
        (ContinuousClock.now - start) / .seconds(1)
    }
}
