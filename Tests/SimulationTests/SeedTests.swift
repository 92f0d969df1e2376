import Simulation
import Testing

/// Farms from seeds: every rule holds, a seed is a run, and every planted mistake is noticed.
@Suite struct SeedTests {
    private static let settings = SimulationSettings()

    /// Two thousand seeds, in parts so that a failure names its hundred.
    @Test(arguments: (0..<20).map { $0 * 100 as UInt64 })
    func everyRuleHolds(first: UInt64) {
        let report = SeedRuns(settings: SeedTests.settings, threads: 1).run(first..<(first + 100))
        #expect(report.failure == nil, "\(report.text)")
        #expect(report.counts.pictures > 100)
    }

    /// Seeds that broke a rule in a soak once.
    @Test(arguments: [1_795_332_353_069_993] as [UInt64])
    func everyRuleHoldsWhereOneWasBroken(seed: UInt64) {
        let outcome = World(seed: seed, settings: SeedTests.settings).run()
        #expect(outcome.violation == nil, "seed \(seed)")
    }

    /// The same farms over SQLite, fewer of them.
    @Test(arguments: (5_000..<5_012).map { $0 as UInt64 })
    func everyRuleHoldsOverTheRealStore(seed: UInt64) throws {
        let store = try SQLiteFarmStore()
        let outcome = World(seed: seed, settings: SeedTests.settings, store: store).run()
        #expect(outcome.violation == nil, "seed \(seed)")
        // The model of the store does the same to the last event.
        #expect(outcome.digest == World(seed: seed, settings: SeedTests.settings).run().digest)
    }

    @Test(arguments: [1, 2, 77] as [UInt64])
    func aSeedIsARun(seed: UInt64) {
        let runs = (0..<2).map { _ in World(seed: seed, settings: SeedTests.settings, tracing: true).run() }
        #expect(runs[0].digest == runs[1].digest)
        #expect(runs[0].trace == runs[1].trace)
        #expect(runs[0].counts == runs[1].counts)
        #expect(runs[0].digest != World(seed: seed + 1, settings: SeedTests.settings).run().digest)
    }

    @Test(arguments: Mistake.allCases)
    func everyMistakeIsNoticed(mistake: Mistake) {
        let runs = SeedRuns(settings: SeedTests.settings, mistake: mistake, threads: 1)
        #expect(runs.run(0..<2000).failure != nil, "\(mistake) was not noticed")
    }

    @Test func aReportIsOneLineOfJSON() {
        let report = SeedRuns(settings: SeedTests.settings).run(0..<2)
        #expect(report.json.hasPrefix("{\"seeds\": 2, "))
        #expect(report.json.hasSuffix("\"seed\": null, \"violation\": null}"))
        #expect(!report.json.contains("\n"))
    }
}
