internal import Diffusion
internal import Farm
internal import Imaging
internal import ZeroMQ

/// The one thread that computes. Takes stages in order, keeps each result in the outbox and says what came of
/// it.
final class EngineThread: Sendable {
    /// Steps that follow closer than this are not told, so that they cannot crowd out what matters.
    private static let stepPause: Duration = .milliseconds(50)

    private let queue: EngineQueue
    private let thread: OwnThread

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - makeStages: builds the engine, on the thread.
    ///   - tell: called on the thread.
    /// - Throws: `ZeroMQError.threadNotStarted`.
    init(
        makeStages: @escaping @Sendable () -> any StageRunning, outbox: Outbox,
        tell: @escaping @Sendable (WorkerEvent) -> Void
    ) throws(ZeroMQError) {
        let queue = EngineQueue()
        self.queue = queue
        thread = try OwnThread(name: "engine") {
            let stages = makeStages()
            while let task = queue.next() {
                let lease = task.assignment.lease
                var told: ContinuousClock.Instant?
                let event = EngineThread.run(task, stages, outbox) { step, steps in
                    let now = ContinuousClock.now
                    if step == steps || told.map({ now - $0 >= EngineThread.stepPause }) ?? true {
                        told = now
                        tell(.stepped(lease, step: step, steps: steps))
                    }
                    return !queue.isInterrupted(lease)
                }
                queue.forget(lease)
                tell(event)
            }
        }
    }

    /// Adds a stage; its end, of whatever kind, is told.
    func run(_ task: StageTask) {
        queue.add(task)
    }

    /// Ends a stage after its current step.
    func interrupt(_ lease: LeaseID) {
        queue.interrupt(lease)
    }

    /// Ends everything after the current step.
    func stop() {
        queue.stop()
    }

    /// Waits, blocking, until the thread has ended.
    func join() {
        thread.join()
    }

    private static func run(
        _ task: StageTask, _ stages: any StageRunning, _ outbox: Outbox, onStep: (Int, Int) -> Bool
    ) -> WorkerEvent {
        let lease = task.assignment.lease
        do throws(StageFailure) {
            let output = try stages.run(task, onStep: onStep)
            return .finished(try keep(output, of: task, in: outbox))
        } catch {
            switch error {
            case .interrupted: return .interrupted(lease)
            case .failed(let message): return .stageFailed(lease, .application, message)
            case .notKept(let message): return .stageFailed(lease, .declined, message)
            }
        }
    }

    private static func keep(
        _ output: StageOutput, of task: StageTask, in outbox: Outbox
    ) throws(StageFailure) -> TaskResult {
        let assignment = task.assignment
        do throws(any Error) {
            var blob = output.blob
            var pixels: Digest?
            if assignment.isLast {
                let image = try PixelImage(stageBlob: output.blob)
                let record = PictureRecord(
                    request: RenderRequest(assignment.request), model: assignment.model.name,
                    modelHash: assignment.model.hash.hex)
                blob = try PNG.encode(image, texts: record.texts)
                pixels = Digest(hex: image.pixelHash)
            }
            guard let id = BlobID(hashing: blob), blob.count <= Limits.blobBytes else {
                throw StageFailure.failed(
                    "The result has \(blob.count) bytes; the farm carries \(Limits.blobBytes).")
            }
            let result = TaskResult(
                lease: assignment.lease, blob: id, pixels: pixels, seconds: output.seconds,
                loadSeconds: output.loadSeconds,
                warnings: Array(output.warnings.prefix(Limits.warningsPerTask)))
            try outbox.keep(KeptResult(farm: task.farm, result: result), blob: blob)
            return result
        } catch let failure as StageFailure {
            throw failure
        } catch let error as WorkerError {
            throw .notKept(error.description)
        } catch {
            throw .failed("\(error)")
        }
    }
}
