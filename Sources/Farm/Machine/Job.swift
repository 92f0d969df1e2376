/// A job with its images. Counts and ready sets follow every change of a row; `Job(head:…)` builds them anew,
/// which is what a restart does.
package struct Job: Hashable, Sendable {
    /// The part that a change of the job itself writes.
    package struct Head: Hashable, Sendable {
        /// The job.
        package var id: JobID
        /// What the client submitted.
        package var submission: Submission
        /// What it is doing.
        package var state: JobState
        /// The model chosen; nil until one of that name is known.
        package var model: ModelKey?
        /// When it was submitted.
        package var submitted: Instant
        /// When its last image ended.
        package var finished: Instant?
        /// Determinism alarms.
        package var alarms: Int

        /// The head of a job.
        package init(
            id: JobID, submission: Submission, state: JobState, model: ModelKey?, submitted: Instant,
            finished: Instant?, alarms: Int
        ) {
            self.id = id
            self.submission = submission
            self.state = state
            self.model = model
            self.submitted = submitted
            self.finished = finished
            self.alarms = alarms
        }
    }

    /// The part that a change of the job itself writes.
    package internal(set) var head: Head
    /// The distinct options of its images.
    package private(set) var variants: [RenderOptions]
    /// The stages of each variant; nil while the model is unknown or where it cannot give the size.
    package private(set) var plans: [StagePlan?]
    /// Its images by index.
    package private(set) var images: [ImageRow]
    /// What each image is drawn from.
    package private(set) var sources: [PictureSource]
    /// Ready images by the place of their current stage, but for those set aside.
    package private(set) var ready: [ReadySet] = []
    /// Ready images whose task need not be given out now; no part of what the store keeps.
    private var aside = ReadySet(capacity: 0)
    /// Images by state.
    package private(set) var imageCounts = ImageCounts()
    /// Tasks by state.
    package private(set) var taskCounts = TaskCounts()
    /// Steps of the tasks not done, by the place of their stage, over open images.
    package private(set) var remainingSteps: [Int] = []
    /// What each done stage gave: the blob's digest, for a last stage the pixels'. `stride` places an image.
    private var evidence: [Digest] = []
    private var stride = 0

    /// A job from what the store holds. `model` must be the announcement of `head.model`.
    package init(
        head: Head, variants: [RenderOptions], images: [ImageRow], sources: [PictureSource],
        model: ModelAnnouncement?
    ) {
        self.head = head
        self.variants = variants
        self.images = images
        self.sources = sources
        plans = variants.map { _ in nil }
        if let model { resolve(model) } else { recount() }
    }

    /// The stages of the image at `index`; nil while they are unknown.
    package func plan(of index: Int) -> StagePlan? {
        guard images.indices.contains(index) else { return nil }
        return plans[Int(images[index].variant)]
    }

    /// The digest that stage `stage` of image `index` gave; nil when it is not done.
    package func evidence(image index: Int, stage: Int) -> Digest? {
        let place = index * stride + stage
        guard stage >= 0, stage < stride, evidence.indices.contains(place), evidence[place] != .zero else {
            return nil
        }
        return evidence[place]
    }

    /// Notes the digest that a stage gave.
    package mutating func setEvidence(_ digest: Digest, image index: Int, stage: Int) {
        let place = index * stride + stage
        guard stage >= 0, stage < stride, evidence.indices.contains(place) else { return }
        evidence[place] = digest
    }

    /// The variant of these options, new if need be; nil when the job has `Limits.variantsPerJob` others.
    mutating func variant(for options: RenderOptions) -> (index: UInt16, isNew: Bool)? {
        if let last = images.last, variants[Int(last.variant)] == options { return (last.variant, false) }
        if let found = variants.firstIndex(of: options) { return (UInt16(found), false) }
        guard variants.count < Limits.variantsPerJob else { return nil }
        variants.append(options)
        plans.append(nil)
        return (UInt16(variants.count - 1), true)
    }

    /// Adds images while the job is a draft; `sources` has one for each row.
    mutating func append(_ rows: [ImageRow], sources: [PictureSource]) {
        images.append(contentsOf: rows)
        self.sources.append(contentsOf: sources)
        imageCounts.waiting += rows.count
    }

    /// Takes the model's cascade: plans, ready sets and counts follow.
    mutating func resolve(_ model: ModelAnnouncement) {
        head.model = model.key
        plans = variants.map { model.plan(for: $0) }
        stride = plans.map { $0?.stages.count ?? 0 }.max() ?? 0
        evidence = [Digest](repeating: .zero, count: images.count * stride)
        aside = ReadySet(capacity: images.count)
        recount()
    }

    /// Changes the row of image `index`, which is set aside no more; counts and ready sets follow.
    mutating func change(_ index: Int, _ body: (inout ImageRow) -> Void) {
        guard images.indices.contains(index) else { return }
        aside.remove(index)
        tally(index, by: -1)
        body(&images[index])
        images[index].settle()
        tally(index, by: 1)
    }

    /// Changes every row; counts and ready sets follow.
    mutating func changeAll(_ body: (inout ImageRow) -> Void) {
        for index in images.indices {
            body(&images[index])
            images[index].settle()
            if !images[index].isOpen || images[index].leased { aside.remove(index) }
        }
        recount()
    }

    /// How many images are set aside.
    var asideCount: Int { aside.count }

    /// The first image that is set aside.
    var firstAside: Int? { aside.first() }

    /// Takes a ready image out of its ready set.
    mutating func setAside(_ index: Int) {
        guard images.indices.contains(index) else { return }
        aside.insert(index)
        ready[Int(images[index].stage)].remove(index)
    }

    /// Puts an image that was set aside back; false when it was not.
    mutating func bringBack(_ index: Int) -> Bool {
        guard aside.contains(index) else { return false }
        aside.remove(index)
        ready[Int(images[index].stage)].insert(index)
        return true
    }

    /// The job with nothing set aside, as the store has it.
    var asStored: Job {
        var job = self
        while let index = job.aside.first() { _ = job.bringBack(index) }
        return job
    }

    /// Counts and ready sets from the rows alone.
    package mutating func recount() {
        imageCounts = ImageCounts()
        taskCounts = TaskCounts()
        remainingSteps = [Int](repeating: 0, count: stride)
        ready = (0..<stride).map { _ in ReadySet(capacity: images.count) }
        for index in images.indices { tally(index, by: 1) }
    }

    private mutating func tally(_ index: Int, by amount: Int) {
        let row = images[index]
        switch row.state {
        case .waiting: imageCounts.waiting += amount
        case .running: imageCounts.running += amount
        case .done: imageCounts.done += amount
        case .failed: imageCounts.failed += amount
        case .cancelled: imageCounts.cancelled += amount
        }
        guard let count = plans[Int(row.variant)]?.stages.count else { return }
        let stage = Int(row.stage)
        taskCounts.done += amount * min(stage, count)
        guard stage < count else { return }
        guard row.isOpen else {
            taskCounts.dropped += amount * (count - stage)
            return
        }
        taskCounts.blocked += amount * (count - stage - 1)
        for place in stage..<count {
            remainingSteps[place] += amount * (plans[Int(row.variant)]?.steps[place] ?? 0)
        }
        if row.leased {
            taskCounts.leased += amount
        } else {
            taskCounts.ready += amount
            guard !aside.contains(index) else { return }
            if amount > 0 { ready[stage].insert(index) } else { ready[stage].remove(index) }
        }
    }
}
