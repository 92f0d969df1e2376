import Farm
import Foundation

/// A job as `--json` prints it.
struct JobView: Encodable {
    let id: Int64
    let name: String
    let owner: String
    let priority: Int
    let state: String
    let model: String
    let modelHash: String?
    let images: Images
    let waiting: [Waiting]
    let secondsLeft: Double?
    let submitted: Date
    let finished: Date?
    /// Results that differed from the committed one.
    let alarms: Int
    /// The first ten images that failed, and why; nil where that was not asked.
    let failures: [Failure]?

    /// Images by state.
    struct Images: Encodable {
        let total, waiting, running, done, failed, cancelled: Int
    }

    /// Tasks that wait, and why.
    struct Waiting: Encodable {
        let tasks: Int
        let reason: String
    }

    /// An image that failed, counted from 1 as in the manifest.
    struct Failure: Encodable {
        let image: Int
        let reason: String
    }

    init(_ job: JobStatus, failures: [Failure]? = nil) {
        self.failures = failures
        id = job.id.number
        name = job.name
        owner = job.owner
        priority = job.priority
        state = job.state.word
        model = job.modelKey?.name ?? job.model
        modelHash = job.modelKey?.hash.hex
        let counts = job.images
        images = Images(
            total: counts.total, waiting: counts.waiting, running: counts.running, done: counts.done,
            failed: counts.failed, cancelled: counts.cancelled)
        waiting = job.waiting.map { Waiting(tasks: $0.count, reason: $0.text) }
        secondsLeft = job.secondsLeft
        submitted = job.submitted.date
        finished = job.finished?.date
        alarms = job.alarms
    }

    /// Several lines for people.
    var text: String {
        var lines = ["job \(id)" + (name.isEmpty ? "" : " \(name)") + ": \(state), model \(model)"]
        lines.append(
            "  \(images.done) of \(images.total) images done, \(images.running) running, "
                + "\(images.waiting) waiting, \(images.failed) failed, \(images.cancelled) cancelled")
        lines += waiting.map { "  \($0.tasks) waiting: \($0.reason)" }
        if let secondsLeft { lines.append("  about \(ProgressBar.clock(secondsLeft)) left") }
        if alarms > 0 {
            lines.append("  \(alarms) results differed from the committed one: see the coordinator's log")
        }
        lines += (failures ?? []).map { "  image \($0.image) failed: \($0.reason)" }
        return lines.map(\.onOneLine).joined(separator: "\n")
    }
}

extension ImageCounts {
    /// All images of the job.
    var total: Int { waiting + running + done + failed + cancelled }
}

extension JobState {
    /// For people and for JSON.
    var word: String {
        switch self {
        case .draft: "draft"
        case .active: "active"
        case .paused: "paused"
        case .finished: "finished"
        case .cancelled: "cancelled"
        }
    }
}

extension Instant {
    /// As a point in time.
    var date: Date { Date(timeIntervalSince1970: Double(milliseconds) / 1000) }
}
