import Farm

/// Someone who submits one job and waits for it, repeating whatever gets no answer.
struct ClientNode {
    /// What it does next.
    enum Step: Hashable {
        case submit
        case images(from: Int)
        case end
        case watch(JobID)
        case done(JobID)
    }

    let index: Int
    let script: JobScript
    var step = Step.submit
    /// The request whose answer it waits for; the user's own requests have other numbers.
    var number: UInt64 = 0
    var askedAt: Int64 = 0
    var job: JobID?
    /// Fences earlier wakes.
    var serial = 0

    init(index: Int, script: JobScript) {
        self.index = index
        self.script = script
    }

    var submission: Submission {
        Submission(
            id: SubmissionID(high: 7, low: UInt64(index)), name: "job \(index)", owner: script.owner,
            priority: script.priority, model: Models.all[script.model].key.name,
            count: script.requests.count)
    }

    var isDone: Bool { if case .done = step { true } else { false } }
}
