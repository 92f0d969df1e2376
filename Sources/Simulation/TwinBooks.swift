import Farm

/// The witness's books of equal work, kept from the users' scripts and the changes that become known: which
/// images keep the result of which work.
struct TwinBooks {
    /// All that a stage's bytes may depend on.
    private struct Work: Hashable {
        var model: Int
        var stage: Int
        var request: ImageRequest
    }

    private let scripts: [JobScript]
    private var scriptOf: [JobID: Int] = [:]
    private var rows: [ImageID: ImageRow] = [:]
    /// Images whose row keeps the work's blob on disk.
    private var keepers: [Work: Set<ImageID>] = [:]
    /// Work of which a blob was lost since the coordinator started; who keeps it is unknown.
    private var lost: Set<Work> = []

    init(scripts: [JobScript]) { self.scripts = scripts }

    /// Begins anew with what is on disk.
    mutating func restart(with snapshot: CoordinatorSnapshot) {
        self = TwinBooks(scripts: scripts)
        for job in snapshot.jobs {
            note(.job(job.head))
            for (index, row) in job.images.enumerated() {
                note(.image(ImageID(job: job.head.id, index: index), row))
            }
        }
    }

    mutating func note(_ change: CoordinatorChange) {
        switch change {
        case .job(let head): scriptOf[head.id] = Int(head.submission.name.dropFirst(4))
        case .image(let image, let row):
            let before = rows.updateValue(row, forKey: image)
            if let before { keep(image, before, false) }
            if let before, row.isOpen, row.stage < before.stage, let work = work(image, Int(row.stage)) {
                lost.insert(work)
            }
            keep(image, row, true)
        case .imagesCancelled(let job):
            for (image, row) in rows where image.job == job && row.isOpen {
                keep(image, row, false)
                rows[image]?.state = .cancelled
            }
        case .imagesReopened(let job, _):
            for image in ended(of: job) { rows[image] = nil }
        default: break
        }
    }

    /// Images of a job that have failed or were cancelled.
    func ended(of job: JobID) -> [ImageID] {
        rows.filter { $0.key.job == job && ($0.value.state == .failed || $0.value.state == .cancelled) }
            .map(\.key)
    }

    private mutating func keep(_ image: ImageID, _ row: ImageRow, _ keeps: Bool) {
        let stages =
            switch row.state {
            case .waiting, .running: 0..<Int(row.stage)
            case .done: Int(row.stage) - 1..<Int(row.stage)
            case .failed, .cancelled: 0..<0
            }
        for work in stages.compactMap({ work(image, $0) }) {
            if keeps { keepers[work, default: []].insert(image) } else { keepers[work]?.remove(image) }
        }
    }

    private func work(_ image: ImageID, _ stage: Int) -> Work? {
        guard let script = scriptOf[image.job].map({ scripts[$0] }) else { return nil }
        var request = script.requests[image.index]
        let stages = Models.all[script.model].stages
        if stages[stage].size != request.options.size {
            request.options.size = 0
            request.options.steps.removeAll { change in
                !stages[...stage].contains { $0.name == change.stage }
            }
        }
        return Work(model: script.model, stage: stage, request: request)
    }

    /// Judges that a task is given out while `live` leases are held.
    func judge(_ lease: LeaseID, live: Set<LeaseID>) -> String? {
        let task = lease.task
        // The tail runs a task twice on purpose.
        if live.contains(where: { $0.task.image == task.image && $0 != lease }) { return nil }
        guard let work = work(task.image, task.stage) else { return nil }
        let twin = live.first {
            $0.task.image != task.image && self.work($0.task.image, $0.task.stage) == work
        }
        if let twin { return "\(lease) is given while \(twin), the same, is held" }
        if let keeper = keepers[work]?.min(), !lost.contains(work) {
            return "\(lease) is given, though \(keeper) has the same"
        }
        return nil
    }

    /// Judges that an image takes stages over.
    func judge(_ shared: SharedStages, live: Set<LeaseID>) -> String? {
        if let held = live.first(where: { $0.task.image == shared.image }) {
            return "\(shared.image) takes stages over while \(held) is held"
        }
        for stage in shared.stages where work(shared.image, stage) != work(shared.other, stage) {
            return "\(shared.image) takes stage \(stage) over from \(shared.other), which is another picture"
        }
        guard let last = work(shared.image, shared.stages.upperBound - 1), !lost.contains(last) else {
            return nil
        }
        return (keepers[last] ?? []).isEmpty ? "\(shared.image) takes over what nobody keeps" : nil
    }
}
