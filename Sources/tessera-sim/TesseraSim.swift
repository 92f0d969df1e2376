import ArgumentParser
import Dispatch
import Simulation
import Synchronization

/// `tessera-sim`: whole farms from seeds, each rule checked after each event.
@main
struct TesseraSim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tessera-sim",
        abstract: "Simulates whole farms from seeds and checks every rule after every event.",
        discussion: """
            A seed draws jobs, workers, network and misfortunes; the same seed and the same sizes give the \
            same run for ever. When a rule is broken, the command prints the seed, the rule and the last \
            events, and exits with 1.
            """)

    @Option(help: "The one seed to run.") var seed: UInt64?
    @Option(help: "Many seeds: A..<B.") var seeds: String?
    @Option(help: "Jobs of one farm at most.") var jobs = SimulationSettings().jobs
    @Option(help: "Workers of one farm at most.") var workers = SimulationSettings().workers
    @Option(help: "Images of one job at most.") var images = SimulationSettings().images
    @Option(help: "Simulated seconds during which things go wrong.")
    var faultSeconds = SimulationSettings().faultSeconds
    @Option(help: "Threads that run seeds.") var threads = 2
    @Option(help: "Plant this mistake; the command then succeeds when it is caught.")
    var mistake: String?
    @Flag(help: "List the mistakes that can be planted.") var mistakes = false
    @Flag(help: "Print the numbers as one line of JSON.") var json = false
    @Flag(help: "Print every event of the seed.") var trace = false

    func run() throws {
        if mistakes {
            for mistake in Mistake.allCases { print(mistake.rawValue) }
            return
        }
        let runs = SeedRuns(
            settings: settings, mistake: try plantedMistake(), threads: max(1, min(threads, 64)))
        let report = runs.run(try seedRange())
        if json { print(report.json) } else { print(report.text) }
        if let failure = report.failure, mistake == nil || trace {
            print(runs.story(of: failure.seed, lines: trace ? .max : 40))
        } else if trace, let seed {
            print(runs.story(of: seed, lines: .max))
        }
        if (report.failure == nil) == (mistake != nil) { throw ExitCode(1) }
    }

    private var settings: SimulationSettings {
        var settings = SimulationSettings()
        settings.jobs = jobs
        settings.workers = workers
        settings.images = images
        settings.faultSeconds = faultSeconds
        return settings
    }

    private func plantedMistake() throws -> Mistake? {
        guard let mistake else { return nil }
        guard let planted = Mistake(rawValue: mistake) else {
            throw ValidationError("There is no mistake \"\(mistake)\"; --mistakes lists them.")
        }
        return planted
    }

    private func seedRange() throws -> Range<UInt64> {
        if let seed, seed < .max { return seed..<(seed + 1) }
        guard let seeds else { return 0..<1 }
        let ends = seeds.split(separator: "..<").map { UInt64($0) }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first < last else {
            throw ValidationError("--seeds takes a range such as 0..<2000, not \"\(seeds)\".")
        }
        return first..<last
    }

    func validate() throws {
        guard (1...100).contains(jobs), (1...200).contains(workers), (1...1000).contains(images),
            (1...86_400).contains(faultSeconds)
        else {
            throw ValidationError(
                "--jobs takes 1 to 100, --workers 1 to 200, --images 1 to 1000, --fault-seconds 1 to 86400.")
        }
    }
}
