internal import Dispatch
package import Farm
internal import FarmProtocol
package import Logging
internal import Synchronization
package import ZeroMQ

/// A worker: one messaging thread that never computes, one engine thread that never talks.
///
///     let models = try ModelShelf(folders: ["weights/emoji"])
///     let worker = try WorkerService(configuration, models: models, context: context, log: log)
///     …                     // until a signal comes
///     worker.stop()
///     try worker.join()
package final class WorkerService: Sendable {
    private let loop: PollThread<WorkerLoop>
    private let engine: EngineThread
    private let end: EndNote

    /// Starts a worker with the real engine. It connects, now or whenever the coordinator appears.
    ///
    /// - Throws: `WorkerError`.
    package convenience init(
        _ configuration: WorkerConfiguration, models: ModelShelf, context: Context, log: Logger
    ) throws(WorkerError) {
        let threads = configuration.threads
        let tooLarge = models.needs.filter { $0.bytes > configuration.memory }
        if !models.needs.isEmpty, tooLarge.count == models.needs.count {
            throw .tooLittleMemory(
                bytes: configuration.memory, needed: models.needs.map(\.bytes).min() ?? 0)
        }
        for (stage, bytes) in tooLarge {
            log.warning(
                """
                \(stage.stage) of \(stage.model.name) needs \(bytes >> 20) MiB of memory, more than the \
                \(configuration.memory >> 20) MiB that this worker may use: it is left to others
                """)
        }
        try self.init(
            configuration, models: models.announcements, unserved: tooLarge.map(\.stage), context: context,
            log: log
        ) {
            DiffusionStages(models: models, threads: threads)
        }
    }

    /// Starts a worker with an engine of the caller's; `makeStages` runs on the engine thread.
    ///
    /// - Throws: `WorkerError`.
    package init(
        _ configuration: WorkerConfiguration, models: [ModelAnnouncement], unserved: [StageKey] = [],
        context: Context, log: Logger,
        makeStages: @escaping @Sendable () -> any StageRunning
    ) throws(WorkerError) {
        if models.isEmpty { throw .noModels }
        let outbox = try Outbox(folder: configuration.folder)
        let session = WorkerSession(worker: WorkerID(configuration.name), nonce: .random(in: 1 ... .max))
        let hello = WorkerHello(
            session: session, oldestProtocol: FarmCodec.oldestVersion,
            newestProtocol: FarmCodec.newestVersion,
            build: configuration.build, host: configuration.host, cpu: ProcessorFeatures.text,
            threads: configuration.threads, slots: 1, tags: configuration.tags,
            models: Array(models.prefix(Limits.modelsPerWorker)),
            unserved: Array(unserved.prefix(Limits.modelsPerWorker * Limits.stagesPerModel)))
        let end = EndNote()
        let mailbox = Mailbox()
        do {
            let engine = try EngineThread(makeStages: makeStages, outbox: outbox) { mailbox.put($0) }
            do {
                loop = try PollThread(name: "worker", context: context) { () throws(ZeroMQError) in
                    try WorkerLoop(
                        configuration, hello: hello, context: context, outbox: outbox, engine: engine,
                        log: log
                    ) { end.write($0) }
                }
            } catch {
                engine.stop()
                throw error
            }
            self.engine = engine
        } catch {
            throw .messaging("\(error)")
        }
        self.end = end
        mailbox.open(loop)
    }

    /// Says goodbye, so that the coordinator gives the tasks away at once, and ends. From any thread; never
    /// waits.
    package func stop() {
        loop.stop()
    }

    /// Takes no more tasks, and ends once those that have begun are done and acknowledged. From any thread;
    /// never waits.
    package func drain() {
        try? loop.post(.drain)
    }

    /// Waits, blocking, until the worker has ended.
    ///
    /// - Throws: `WorkerError.refused` when the coordinator cannot use it, `.messaging`.
    package func join() throws(WorkerError) {
        loop.join()
        engine.join()
        if let error = end.read() { throw error }
    }
}

/// Why the worker ended.
private final class EndNote: Sendable {
    private let error = Mutex<WorkerError?>(nil)

    func write(_ error: WorkerError?) {
        self.error.withLock { $0 = error }
    }

    func read() -> WorkerError? {
        error.withLock { $0 }
    }
}

/// Takes the engine's news to the messaging thread, which starts after the engine.
private final class Mailbox: Sendable {
    private struct State {
        var loop: PollThread<WorkerLoop>?
        var early: [WorkerEvent] = []
    }

    private let state = Mutex(State())

    func put(_ event: WorkerEvent) {
        state.withLock { state in
            guard let loop = state.loop else { return state.early.append(event) }
            try? loop.post(event)
        }
    }

    func open(_ loop: PollThread<WorkerLoop>) {
        state.withLock { state in
            state.loop = loop
            for event in state.early { try? loop.post(event) }
            state.early = []
        }
    }
}
