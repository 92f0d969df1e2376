import Farm

/// A worker as `--json` prints it.
struct WorkerView: Encodable {
    let name: String
    let host: String
    let build: String
    let cpu: String
    let threads: Int
    let tags: [String]
    let connected: Bool
    let silentSeconds: Double
    let models: [String]
    let running: [Task]
    let completed: Int
    let failed: Int
    let excluded: [String]

    /// What it works on.
    struct Task: Encodable {
        let job: Int64
        let image: Int
        let stage: String
        let step: Int
        let steps: Int
    }

    init(_ worker: WorkerStatus) {
        name = worker.id.text
        host = worker.host
        build = worker.build
        cpu = worker.cpu
        threads = worker.threads
        tags = worker.tags
        connected = worker.connected
        silentSeconds = Double(worker.silentMilliseconds) / 1000
        models = worker.models.map(\.description)
        running = worker.running.map { task in
            Task(
                job: task.lease.task.image.job.number, image: task.lease.task.image.index + 1,
                stage: task.stage.text, step: task.step, steps: task.steps)
        }
        completed = worker.completed
        failed = worker.failed
        excluded = worker.excluded
    }

    /// What it is doing, in a few words.
    var activity: String {
        guard connected else { return "silent for \(ProgressBar.clock(silentSeconds))" }
        guard !running.isEmpty else { return "idle" }
        return running.map { "\($0.job)/\($0.image) \($0.stage) \($0.step)/\($0.steps)" }.joined(
            separator: ", ")
    }
}
