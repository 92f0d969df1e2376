import Farm
import OrderedCollections

/// The rules that hold at every moment, and those that hold in the end.
extension World {
    /// After each turn: counts equal a recount, leases and rows agree, the disk holds what is in memory.
    func checkCoordinator() {
        let live = coordinator.machine.snapshot
        var leased = 0
        for job in live.jobs {
            var recounted = job
            recounted.recount()
            if recounted != job { fail("the counts of job \(job.head.id) differ from a recount") }
            leased += job.taskCounts.leased
            // An answer that comes late or twice may send an image back although the blob is there again.
            if job.images.contains(where: { Int($0.rollbacks) > 4 * spoiltBlobs }) {
                fail("an image of job \(job.head.id) went back more often than spoilt blobs account for")
            }
        }
        if leased != live.leases.count {
            fail("\(leased) tasks are leased, workers hold \(live.leases.count)")
        }
        for held in live.leases {
            let image = held.id.task.image
            let job = live.jobs.first { $0.head.id == image.job }
            guard let row = job?.images[image.index], row.leased, row.stage == held.id.task.stage,
                row.attempt >= held.id.attempt
            else {
                fail("\(held.session) holds \(held.id), which no row knows")
                continue
            }
        }
        guard coordinator.changes.isEmpty, mistake == nil || counts.events % 7 == 0 else { return }
        do throws(StoreFailure) {
            let loaded = try coordinator.store.load()
            if let part = difference(loaded, live) {
                fail("a restart would load other \(part) than are in memory")
            }
        } catch {
            fail("the store cannot be read: \(error.text)")
        }
    }

    /// What two snapshots differ in.
    private func difference(_ loaded: CoordinatorSnapshot, _ live: CoordinatorSnapshot) -> String? {
        if loaded == live { return nil }
        if loaded.models != live.models { return "models" }
        if loaded.leases != live.leases {
            let (stored, held) = (Set(loaded.leases), Set(live.leases))
            return "leases (\(stored.subtracting(held)), not \(held.subtracting(stored)))"
        }
        if loaded.paces != live.paces { return "paces" }
        if loaded.shares != live.shares { return "shares of owners" }
        let jobs = zip(loaded.jobs, live.jobs).first { $0 != $1 }
        guard let (stored, held) = jobs else { return "jobs" }
        if stored.head != held.head { return "head of job \(held.head.id)" }
        let image = zip(stored.images, held.images).enumerated().first { $0.element.0 != $0.element.1 }
        guard let image else { return "evidence of job \(held.head.id)" }
        return "image \(image.offset) of job \(held.head.id): \(image.element.0), not \(image.element.1)"
    }

    /// A result has just become durable.
    func checkCommit(_ done: CommittedResult) {
        let lease = done.result.lease
        guard let bytes = coordinator.blobs[done.result.blob] else {
            return fail("\(lease) is committed and its blob is not there")
        }
        if let pixels = done.result.pixels, pixels != Content.pixels(of: bytes) {
            fail("\(lease) has other pixels than its blob")
        }
        guard !scenario.workers.contains(where: { $0.lies > 0 }) else { return }
        let input = lease.task.stage == 0 ? nil : witness.durable[earlier(lease.task)]
        let blob = input.flatMap { intact($0.result.blob) }
        guard lease.task.stage == 0 || blob != nil, intact(done.result.blob) != nil,
            let request = request(of: lease.task.image),
            let model = coordinator.machine.model(of: lease.task.image.job)
        else { return }
        let expected = Content.result(
            request, model: model.key, stage: done.stage, input: blob, isLast: done.result.pixels != nil)
        if expected != bytes { fail("\(lease) has other bytes than an undisturbed run gives") }
    }

    private func earlier(_ task: TaskID) -> TaskID { TaskID(image: task.image, stage: task.stage - 1) }

    /// What a client asked for, by its own script.
    private func request(of image: ImageID) -> ImageRequest? {
        clients.first { $0.job == image.job }?.script.requests[image.index]
    }

    /// Whether every job has ended and nobody holds anything any more.
    var isAtRest: Bool {
        clients.allSatisfy(\.isDone) && coordinator.isUp && coordinator.changes.isEmpty
            && workers.allSatisfy { $0.outbox.isEmpty }
            && coordinator.machine.snapshot.jobs.allSatisfy {
                $0.head.state == .finished || $0.head.state == .cancelled
            }
    }

    /// Who is not at rest, for people.
    var unfinished: String {
        let waiting = clients.filter { !$0.isDone }.map { "client \($0.index) in \($0.step)" }
        let owing = workers.filter { !$0.outbox.isEmpty }.map {
            "worker \($0.index) with \($0.outbox.keys.map(\.description))"
        }
        let jobs = coordinator.machine.snapshot.jobs.map {
            "job \($0.head.id): \($0.head.state), \($0.taskCounts)"
        }
        return (waiting + owing + jobs).joined(separator: "; ")
    }

    /// In the end every image is a picture, or was given up after attempts enough, and nothing is kept for
    /// them.
    func checkTheEnd() {
        for (book, entries) in coordinator.machine.booksOfOpenWork.sorted(by: { $0.key < $1.key })
        where entries > 0 {
            fail("every job has ended, and memory still holds \(entries) \(book)")
        }
        for job in coordinator.machine.snapshot.jobs {
            for (index, row) in job.images.enumerated() {
                let image = ImageID(job: job.head.id, index: index)
                switch row.state {
                case .done:
                    counts.pictures += 1
                    checkPicture(image, last: Int(row.stage) - 1)
                case .failed:
                    counts.failures += 1
                    if witness.attempts(of: image) < scenario.options.mostFailures {
                        fail("\(image) was given up after \(row.attempt) attempts")
                    }
                case .cancelled: break
                case .waiting, .running: fail("\(image) has not ended")
                }
            }
        }
    }

    /// A blob's bytes; nil when it is lost or the disk damaged it.
    private func intact(_ blob: BlobID) -> [UInt8]? {
        coordinator.blobs[blob].flatMap { Content.name(of: $0) == blob ? $0 : nil }
    }

    private func checkPicture(_ image: ImageID, last: Int) {
        guard let done = witness.durable[TaskID(image: image, stage: last)],
            let bytes = coordinator.blobs[done.result.blob], done.result.pixels == Content.pixels(of: bytes)
        else { return fail("the picture of \(image) is gone") }
        guard !scenario.workers.contains(where: { $0.lies > 0 }), let request = request(of: image),
            let model = coordinator.machine.model(of: image.job)
        else { return }
        var input: [UInt8]?
        for stage in model.stages[...last] {
            input = Content.result(
                request, model: model.key, stage: stage.name, input: input,
                isLast: stage == model.stages[last])
        }
        if input != bytes { fail("\(image) has other bytes than an undisturbed run gives") }
    }
}
