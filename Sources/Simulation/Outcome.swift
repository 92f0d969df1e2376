/// What a simulated farm came to.
package struct Outcome: Sendable {
    /// The seed that it was drawn from.
    package var seed: UInt64
    /// The first broken rule; nil when every rule held.
    package var violation: String?
    /// What happened, in numbers.
    package var counts: SimulationCounts
    /// Depends on every event in order; equal for equal runs.
    package var digest: UInt64
    /// A line an event, when they were asked for.
    package var trace: [String]
}

/// What happened, in numbers.
package struct SimulationCounts: Hashable, Sendable {
    /// Events.
    package var events = 0
    /// Messages sent.
    package var messages = 0
    /// Tasks committed.
    package var commits = 0
    /// Tasks that were not computed because an equal one was.
    package var shared = 0
    /// Misfortunes.
    package var faults = 0
    /// Crashes among them.
    package var crashes = 0
    /// Simulated seconds.
    package var seconds: Int64 = 0
    /// Images that ended as pictures, and as failures.
    package var pictures = 0
    /// Images that were given up.
    package var failures = 0

    /// Nothing happened.
    package init() {}

    /// Adds another farm's numbers.
    package mutating func add(_ other: SimulationCounts) {
        events += other.events
        messages += other.messages
        commits += other.commits
        shared += other.shared
        faults += other.faults
        crashes += other.crashes
        seconds += other.seconds
        pictures += other.pictures
        failures += other.failures
    }
}

/// The lines of a run, or only a digest of them.
struct Trace: Sendable {
    let isKept: Bool
    private(set) var lines: [String] = []
    private(set) var digest: UInt64 = 0

    init(isKept: Bool) { self.isKept = isKept }

    mutating func add(at now: Int64, _ text: () -> String) {
        digest = Dice.mix(digest ^ UInt64(bitPattern: now))
        guard isKept else { return }
        lines.append("\(now) \(text())")
    }

    /// Makes the digest depend on a number.
    mutating func stir(_ number: Int) { digest = Dice.mix(digest ^ UInt64(bitPattern: Int64(number))) }
}
