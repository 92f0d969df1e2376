import Farm

/// How large the simulated farms are; everything else follows from the seed.
package struct SimulationSettings: Hashable, Sendable {
    /// Jobs at most.
    package var jobs = 4
    /// Workers at most.
    package var workers = 5
    /// Images of one job at most.
    package var images = 6
    /// Simulated seconds during which things go wrong.
    package var faultSeconds = 240

    /// The documented defaults.
    package init() {}
}

/// How a worker behaves.
struct Temper: Sendable {
    /// Its step takes so many times the usual.
    var slowness = 1
    /// Milliseconds to load a stage's weights.
    var loadMilliseconds: Int64 = 500
    /// Share of its results with wrong bytes.
    var lies = 0.0
    /// Share of its tasks that never advance.
    var sticks = 0.0
    /// Share of its tasks that run out of memory.
    var fails = 0.0
    /// Its clock runs so many times as fast as true time.
    var clockRate = 1.0
    /// Tasks that it runs at once.
    var slots = 1
    /// The newest protocol version that it speaks.
    var newestProtocol = 1
    /// Places of the models that it has.
    var models: [Int] = [0, 1]
}

/// Requests that no worker can do.
struct Poison: Sendable {
    var seed: UInt64
    /// Whether they kill the worker's process, as running out of memory does.
    var kills: Bool

    func hits(_ request: ImageRequest) -> Bool { request.prompt == "a dog" && request.seed == seed }
}

/// One job that a client submits.
struct JobScript: Sendable {
    var requests: [ImageRequest]
    var owner: String
    var priority: Int
    var model: Int
    var begins: Int64
}

/// How messages travel while things go wrong.
struct Weather: Sendable {
    var delay: ClosedRange<Int> = 1...20
    var loss = 0.0
    var duplication = 0.0
    /// Share of messages that others overtake.
    var reordering = 0.0
}

/// What goes wrong.
enum Fault: Hashable, Sendable, CaseIterable {
    case crashCoordinator, crashWorker, stopWorker, partition, oneWayPartition, pauseWorker, pauseCoordinator
    case coordinatorDiskFull, workerDiskFull, failedWrite, lostBlob, damagedBlob, userAction
    case clockJump
}

/// A farm, its users and its misfortunes, as a seed draws them.
struct Scenario: Sendable {
    var seed: UInt64
    var jobs: [JobScript]
    var workers: [Temper]
    var weather: Weather
    /// The misfortunes of this farm and the mean milliseconds between two of them.
    var faults: [Fault]
    var faultPause: Int64
    var faultsEnd: Int64
    var options: CoordinatorOptions
    /// Requests that fail, or kill the worker, wherever they run.
    var poison: Poison?

    init(seed: UInt64, settings: SimulationSettings) {
        var dice = Dice(seed: seed)
        self.seed = seed
        options = Scenario.options(&dice)
        workers = (0..<dice.draw(1...max(1, settings.workers))).map { _ in Scenario.temper(&dice) }
        // Someone can serve everything in the end.
        workers[0].models = [0, 1]
        workers[0].sticks = 0
        jobs = (0..<dice.draw(1...max(1, settings.jobs))).map { _ in
            Scenario.job(&dice, most: max(1, settings.images), seconds: settings.faultSeconds)
        }
        weather = Weather()
        if dice.chance(0.7) {
            weather = Weather(
                delay: 1...dice.pick([20, 200, 2000]), loss: dice.pick([0, 0.01, 0.1]),
                duplication: dice.pick([0, 0.02, 0.1]), reordering: dice.pick([0, 0.05, 0.3]))
        }
        if dice.chance(0.2) { poison = Poison(seed: UInt64(dice.draw(1...4)), kills: dice.chance(0.5)) }
        faults = Fault.allCases.filter { _ in dice.chance(0.5) }
        faultPause = dice.time(3...30) * 1000
        faultsEnd = Int64(settings.faultSeconds) * 1000
    }

    private static func options(_ dice: inout Dice) -> CoordinatorOptions {
        var options = CoordinatorOptions()
        options.heartbeat = dice.pick([2_000, 3_000])
        options.grace = 10_000
        options.restartGrace = 15_000
        options.unknownLease = 120_000
        options.shortestLease = dice.pick([15_000, 60_000])
        options.exclusion = 60_000
        options.quarantine = 300_000
        options.loadLease = 120_000
        options.uploadLease = 60_000
        options.draftLife = 300_000
        options.farm = FarmID(dice.bits() | 1)
        return options
    }

    private static func temper(_ dice: inout Dice) -> Temper {
        var temper = Temper()
        temper.slowness = dice.pick([1, 1, 2, 5])
        temper.loadMilliseconds = dice.pick([100, 500, 4_000, 40_000])
        temper.clockRate = dice.pick([1, 1, 0.9, 1.1])
        temper.slots = dice.pick([1, 1, 1, 2])
        temper.newestProtocol = dice.pick([1, 2, 2])
        temper.models = dice.pick([[0], [0, 1], [0, 1], [1]])
        switch dice.draw(0...11) {
        case 0: temper.lies = 0.5
        case 1: temper.sticks = 0.3
        case 2: temper.fails = dice.pick([0.2, 1])
        default: break
        }
        return temper
    }

    private static func job(_ dice: inout Dice, most: Int, seconds: Int) -> JobScript {
        let model = dice.draw(0...1)
        let sizes = Models.all[model].sizes
        let requests = (0..<dice.draw(1...most)).map { _ in
            var options = RenderOptions(size: dice.pick(sizes))
            if dice.chance(0.2) {
                options.steps = [StepOverride(stage: Models.all[model].stages[0].name, steps: 3)]
            }
            // Few prompts and seeds, so that equal requests occur.
            let prompt = dice.pick(["a cat", "a dog", "two birds"])
            return ImageRequest(prompt: prompt, seed: UInt64(dice.draw(1...4)), options: options)
        }
        return JobScript(
            requests: requests, owner: dice.pick(["ann", "bob"]), priority: dice.pick([0, 0, 0, 5]),
            model: model, begins: dice.time(0...(seconds * 500)))
    }
}

/// The models of every simulated farm.
enum Models {
    static let all = [
        ModelAnnouncement(
            key: ModelKey(name: "cascade", hash: Content.digest(of: [1])), version: "1",
            stages: [
                AnnouncedStage(name: StageName("prior"), steps: 2, guidance: 4, size: nil),
                AnnouncedStage(name: StageName("base64"), steps: 3, guidance: 4, size: 64),
                AnnouncedStage(name: StageName("up256"), steps: 2, guidance: nil, size: 256),
            ]),
        ModelAnnouncement(
            key: ModelKey(name: "small", hash: Content.digest(of: [2])), version: "1",
            stages: [AnnouncedStage(name: StageName("base64"), steps: 4, guidance: 2, size: 64)]),
    ]

    /// Milliseconds of one step on a usual worker.
    static func stepMilliseconds(_ stage: StageName) -> Int64 {
        switch stage.text {
        case "prior": 100
        case "base64": 500
        default: 2_000
        }
    }
}
