/// All that a stage's bytes can depend on besides the picture's source. What follows the stage is left out,
/// so that pictures of several sizes share their first stages; but a last stage has all options, for its
/// PNG says what it was made from.
struct StageRecipe: Hashable, Sendable {
    var model: ModelKey
    var stage: Int
    var options: RenderOptions

    /// The recipe of the stage at place `stage` of `plan`.
    init(model: ModelKey, stage: Int, of plan: StagePlan, options: RenderOptions) {
        self.model = model
        self.stage = stage
        self.options = options
        guard stage < plan.stages.count - 1 else { return }
        let names = plan.stages[...stage].map(\.name)
        self.options.size = 0
        self.options.steps = options.steps.filter { names.contains($0.stage) }
    }
}

/// Tasks with the same inputs, of one job or of several: whose result is on disk, and which are under way.
/// Nothing in it is written down; a restart builds it from the images' rows.
struct Twins: Hashable, Sendable {
    /// What equal tasks have in common.
    struct Key: Hashable {
        var source: PictureSource
        /// A number for the recipe.
        var recipe: UInt32

        static let parts = 256

        /// Keys of different sources are spread evenly.
        var part: Int { Int(source.lowByte) }
    }

    /// A result on disk. Its blob stays for as long as an image holds it.
    private struct Result: Hashable {
        /// An image that has the result among its own.
        var job: JobID
        var index: UInt32
        /// Images that keep the blob from being collected.
        var holders: UInt32
    }

    private struct Run: Hashable {
        /// Images whose task a worker has: one, unless a worker came back with a second.
        var runners: [ImageID]
        /// Images that wait for it.
        var waiting: [ImageID] = []
    }

    private var recipes: [StageRecipe: UInt32] = [:]
    /// Of each job: by variant, then by stage.
    private var recipesOf: [JobID: [[UInt32]]] = [:]
    /// By `Key.part`: a table of millions that grows moves all its entries at once, and everyone waits.
    private var results = [[Key: Result]](repeating: [:], count: Key.parts)
    private var runs: [Key: Run] = [:]

    /// Numbers the recipes of a job whose model is known.
    mutating func learn(_ job: JobID, _ model: ModelKey, _ variants: [RenderOptions], _ plans: [StagePlan?]) {
        recipesOf[job] = zip(variants, plans).map { options, plan in
            guard let plan else { return [] }
            return plan.stages.indices.map { stage in
                number(of: StageRecipe(model: model, stage: stage, of: plan, options: options))
            }
        }
    }

    private mutating func number(of recipe: StageRecipe) -> UInt32 {
        if let known = recipes[recipe] { return known }
        let number = UInt32(recipes.count)
        recipes[recipe] = number
        return number
    }

    /// What an image's task has in common with its twins; nil while the job's model is unknown.
    func key(job: JobID, variant: Int, stage: Int, source: PictureSource) -> Key? {
        guard let recipes = recipesOf[job]?[variant], recipes.indices.contains(stage) else { return nil }
        return Key(source: source, recipe: recipes[stage])
    }

    // MARK: Results

    /// An image whose result of this key is on disk.
    func result(of key: Key) -> ImageID? {
        results[key.part][key].map { ImageID(job: $0.job, index: Int($0.index)) }
    }

    /// An image has the result and keeps its blob.
    mutating func hold(_ key: Key, by image: ImageID) {
        let first = Result(job: image.job, index: UInt32(image.index), holders: 0)
        results[key.part][key, default: first].holders += 1
    }

    /// An image keeps the blob no more.
    mutating func release(_ key: Key) {
        guard let holders = results[key.part][key]?.holders else { return }
        results[key.part][key]?.holders = holders - 1
        if holders <= 1 { results[key.part][key] = nil }
    }

    /// The blob is gone, whoever held it.
    mutating func lose(_ key: Key) { results[key.part][key] = nil }

    // MARK: Tasks under way

    /// Different tasks that workers have.
    var runCount: Int { runs.count }

    /// An image whose task of this key a worker has.
    func runner(of key: Key) -> ImageID? { runs[key]?.runners.first }

    /// A worker has the image's task.
    mutating func begin(_ key: Key, by image: ImageID) {
        runs[key, default: Run(runners: [])].runners.append(image)
    }

    /// No worker has the image's task any more; gives those that waited for it, unless another is under way.
    mutating func end(_ key: Key, by image: ImageID) -> [ImageID] {
        runs[key]?.runners.removeAll { $0 == image }
        guard let run = runs[key], run.runners.isEmpty else { return [] }
        runs[key] = nil
        return run.waiting
    }

    /// The image waits until no task of this key is under way.
    mutating func wait(_ image: ImageID, for key: Key) { runs[key]?.waiting.append(image) }
}
