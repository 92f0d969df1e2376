package import Farm

/// Where a simulated coordinator keeps what must survive a crash: a model of the store, or the store itself.
package protocol FarmStore: AnyObject {
    /// Makes all changes durable, or none.
    func commit(_ changes: [CoordinatorChange]) throws(StoreFailure)
    /// All that the coordinator must know after a restart. The coordinator that wrote it is gone.
    func load() throws(StoreFailure) -> CoordinatorSnapshot
    /// What the picture of a request at `index` of its job is drawn from.
    func source(of request: ImageRequest, at index: Int) -> PictureSource
    /// Prompt and seed of an image.
    func request(of image: ImageID, options: RenderOptions) throws(StoreFailure) -> ImageRequest?
    /// Blobs of images that ended by these changes that nobody needs any more.
    func disposable(after changes: [CoordinatorChange]) throws(StoreFailure) -> [BlobID]
}

/// The store could not do it; the text says why.
package struct StoreFailure: Error, Hashable, Sendable {
    /// For people.
    package var text: String

    /// The store could not do it because of `text`.
    package init(_ text: String) { self.text = text }
}

/// The store as its tables are meant, in memory: a transaction is done wholly or not at all.
package final class MemoryStore: FarmStore {
    private struct Images {
        var head: Job.Head
        var variants: [RenderOptions] = []
        var requests: [NewImage] = []
        var rows: [ImageRow] = []
        var leases: [Int: HeldLease] = [:]
        var results: [TaskID: CommittedResult] = [:]
    }

    private var nextJob = JobID(1)
    private var models: [ModelAnnouncement] = []
    private var jobs: [JobID: Images] = [:]
    private var paces: [StageKey: MeasuredPace] = [:]
    private var shares: [String: OwnerShare] = [:]
    /// What determinism alarms compared.
    private var alarmed: Set<BlobID> = []
    private let mistake: Mistake?

    /// A store that nothing was ever written to.
    package init(mistake: Mistake? = nil) { self.mistake = mistake }

    package func source(of request: ImageRequest, at index: Int) -> PictureSource {
        source(prompt: request.prompt, seed: request.seed, at: index)
    }

    private func source(prompt: String, seed: UInt64, at index: Int) -> PictureSource {
        switch mistake {
        case .sharesAcrossSeeds: Content.source(prompt: prompt, seed: 0)
        case .computesTwins: Content.source(prompt: prompt, seed: seed + UInt64(index) << 32)
        default: Content.source(prompt: prompt, seed: seed)
        }
    }

    package func commit(_ changes: [CoordinatorChange]) {
        for change in changes { write(change) }
    }

    private func write(_ change: CoordinatorChange) {
        switch change {
        case .nextJob(let job): nextJob = job
        case .job(let head): jobs[head.id, default: Images(head: head)].head = head
        case .jobRemoved(let job): jobs[job] = nil
        case .variant(let job, _, let options): jobs[job]?.variants.append(options)
        case .images(let job, let first, let images):
            guard jobs[job]?.rows.count == first else { return }
            jobs[job]?.requests += images
            jobs[job]?.rows += images.map { ImageRow(variant: $0.variant) }
        case .image(let id, let row): jobs[id.job]?.rows[id.index] = row
        case .leased(let held): jobs[held.id.task.image.job]?.leases[held.id.task.image.index] = held
        case .released(let lease):
            let image = lease.task.image
            if jobs[image.job]?.leases[image.index]?.id.attempt == lease.attempt {
                jobs[image.job]?.leases[image.index] = nil
            }
        case .result(let done):
            let task = done.result.lease.task
            jobs[task.image.job]?.results[task] = done
            jobs[task.image.job]?.leases[task.image.index] = nil
        case .shared(let shared): share(shared)
        case .imageFailed(let id, _): jobs[id.job]?.leases[id.index] = nil
        case .imagesCancelled(let job):
            jobs[job]?.leases = [:]
            changeRows(of: job) { row in
                guard row.isOpen else { return }
                row.state = .cancelled
                row.leased = false
            }
        case .imagesReopened(let job, let except):
            changeRows(of: job) { row in
                guard row.state == .failed || row.state == .cancelled, !except.contains(Int(row.variant))
                else { return }
                row.state = .waiting
                (row.stage, row.failures, row.losses, row.rollbacks) = (0, 0, 0, 0)
            }
        case .variantFailed(let job, let index, _):
            changeRows(of: job) { if $0.isOpen, Int($0.variant) == index { $0.state = .failed } }
        case .model(let model): models.append(model)
        case .pace(let pace): paces[pace.key] = pace
        case .share(let share): shares[share.owner] = share
        case .alarm(let late, let committed):
            alarmed.formUnion([late.result.blob, BlobID(committed)])
        }
    }

    private func share(_ shared: SharedStages) {
        for stage in shared.stages {
            let task = TaskID(image: shared.image, stage: stage)
            let other = TaskID(image: shared.other, stage: stage)
            guard var done = jobs[shared.other.job]?.results[other] else { continue }
            done.result.lease = LeaseID(task: task, attempt: 0)
            jobs[shared.image.job]?.results[task] = done
        }
    }

    private func changeRows(of job: JobID, _ body: (inout ImageRow) -> Void) {
        for index in jobs[job]?.rows.indices ?? 0..<0 {
            guard var row = jobs[job]?.rows[index] else { continue }
            body(&row)
            jobs[job]?.rows[index] = row
        }
    }

    package func load() -> CoordinatorSnapshot {
        let ids = jobs.keys.sorted()
        let loaded = ids.compactMap { id -> Job? in
            guard let images = jobs[id] else { return nil }
            let model = models.first { $0.key == images.head.model }
            let sources = images.requests.enumerated().map {
                source(prompt: $1.prompt, seed: $1.seed, at: $0)
            }
            var job = Job(
                head: images.head, variants: images.variants, images: images.rows, sources: sources,
                model: model)
            for (task, done) in images.results {
                job.setEvidence(done.evidence, image: task.image.index, stage: task.stage)
            }
            return job
        }
        let leases = ids.flatMap { Array(jobs[$0]?.leases.values ?? [:].values) }
        return CoordinatorSnapshot(
            nextJob: nextJob, models: models, jobs: loaded, leases: leases.sorted { $0.id < $1.id },
            paces: paces.values.sorted { $0.key < $1.key },
            shares: shares.values.sorted { $0.owner < $1.owner })
    }

    package func request(of image: ImageID, options: RenderOptions) -> ImageRequest? {
        guard let requests = jobs[image.job]?.requests, requests.indices.contains(image.index) else {
            return nil
        }
        let request = requests[image.index]
        return ImageRequest(prompt: request.prompt, seed: request.seed, options: options)
    }

    package func disposable(after changes: [CoordinatorChange]) -> [BlobID] {
        let mine = changes.flatMap { change -> [BlobID] in
            switch change {
            case .image(let id, let row) where !row.isOpen: intermediates(of: id.job) { $0 == id.index }
            case .imagesCancelled(let job):
                intermediates(of: job) { jobs[job]?.rows[$0].isOpen == false }
            default: []
            }
        }
        return Set(mine).filter { !isNeeded($0) }.sorted()
    }

    private func intermediates(of job: JobID, _ isMeant: (_ index: Int) -> Bool) -> [BlobID] {
        (jobs[job]?.results.values ?? [:].values)
            .filter { $0.result.pixels == nil && isMeant($0.result.lease.task.image.index) }
            .map(\.result.blob)
    }

    private func isNeeded(_ blob: BlobID) -> Bool {
        if alarmed.contains(blob) { return true }
        return jobs.values.contains { images in
            images.results.values.contains { done in
                guard done.result.blob == blob else { return false }
                return done.result.pixels != nil
                    || images.rows[done.result.lease.task.image.index].isOpen
            }
        }
    }
}
