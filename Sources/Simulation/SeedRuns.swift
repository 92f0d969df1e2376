import Dispatch
import Synchronization

/// Runs many seeds on several threads and adds their numbers up.
package struct SeedRuns: Sendable {
    private let settings: SimulationSettings
    private let mistake: Mistake?
    private let threads: Int

    /// Runs of farms of these sizes, each with `mistake` in it if there is one.
    package init(settings: SimulationSettings, mistake: Mistake? = nil, threads: Int = 2) {
        self.settings = settings
        self.mistake = mistake
        self.threads = threads
    }

    private struct Progress {
        var next: UInt64
        var report = SeedReport()
    }

    /// Runs the seeds in order until one breaks a rule, or all are done.
    package func run(_ seeds: Range<UInt64>) -> SeedReport {
        let progress = Mutex(Progress(next: seeds.lowerBound))
        let began = ContinuousClock.now
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            while true {
                let seed = progress.withLock { progress -> UInt64? in
                    guard progress.next < seeds.upperBound, progress.report.failure == nil else { return nil }
                    defer { progress.next += 1 }
                    return progress.next
                }
                guard let seed else { return }
                let outcome = World(seed: seed, settings: settings, mistake: mistake).run()
                progress.withLock { $0.report.add(outcome) }
            }
        }
        var report = progress.withLock { $0.report }
        report.wallSeconds = Double((ContinuousClock.now - began) / .milliseconds(1)) / 1000
        return report
    }

    /// The last events of a seed, one a line.
    package func story(of seed: UInt64, lines: Int) -> String {
        let outcome = World(seed: seed, settings: settings, mistake: mistake, tracing: true).run()
        return outcome.trace.suffix(lines).joined(separator: "\n")
    }
}

/// What many seeds came to.
package struct SeedReport: Sendable {
    /// Seeds run.
    package private(set) var seeds = 0
    /// Their numbers, added up.
    package private(set) var counts = SimulationCounts()
    /// The lowest seed seen to break a rule.
    package private(set) var failure: Outcome?
    /// Seconds that the runs took.
    package internal(set) var wallSeconds = 0.0

    /// No seeds.
    package init() {}

    mutating func add(_ outcome: Outcome) {
        seeds += 1
        counts.add(outcome.counts)
        if outcome.violation != nil, outcome.seed < failure?.seed ?? .max { failure = outcome }
    }

    /// For people.
    package var text: String {
        let rate = wallSeconds > 0 ? Double(seeds) / wallSeconds : 0
        let numbers = """
            \(seeds) seeds in \(wallSeconds) s (\(Int(rate)) a second): \(counts.events) events, \
            \(counts.messages) messages, \(counts.faults) faults, \(counts.crashes) crashes, \
            \(counts.commits) commits, \(counts.shared) tasks shared, \(counts.pictures) pictures, \
            \(counts.failures) given up, \(counts.seconds) simulated seconds
            """
        guard let failure, let violation = failure.violation else { return numbers + "\nevery rule held" }
        return numbers + "\nseed \(failure.seed) broke a rule \(violation)"
    }

    /// One line of JSON.
    package var json: String {
        let violation = failure.flatMap(\.violation).map { text in
            let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            return "\"\(escaped.replacing("\n", with: " "))\""
        }
        return """
            {"seeds": \(seeds), "wall_seconds": \(wallSeconds), "events": \(counts.events), \
            "messages": \(counts.messages), "faults": \(counts.faults), "crashes": \(counts.crashes), \
            "commits": \(counts.commits), "shared": \(counts.shared), \
            "pictures": \(counts.pictures), "given_up": \(counts.failures), \
            "simulated_seconds": \(counts.seconds), "seed": \(failure.map { "\($0.seed)" } ?? "null"), \
            "violation": \(violation ?? "null")}
            """
    }
}
