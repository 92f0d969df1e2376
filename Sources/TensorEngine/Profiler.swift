/// Time, arithmetic and memory traffic of the operations that ran, by kind and shape.
package final class Profiler {
    /// What ran once.
    package struct Operation {
        package let name: String
        package let flop: Double
        package let bytes: Double
    }

    /// Sum over the runs of one kind of operation.
    package struct Row: Sendable {
        package let name: String
        package var count = 0
        package var flop = 0.0
        package var bytes = 0.0
        package var seconds = 0.0
    }

    private var rowsByName: [String: Row] = [:]

    package init() {}

    /// The slowest kind first.
    package var rows: [Row] {
        rowsByName.values.sorted { ($0.seconds, $1.name) > ($1.seconds, $0.name) }
    }

    func add(_ operation: Operation, since start: ContinuousClock.Instant) {
        var row = rowsByName[operation.name] ?? Row(name: operation.name)
        row.count += 1
        row.flop += operation.flop
        row.bytes += operation.bytes
        row.seconds += start.duration(to: .now) / .seconds(1)
        rowsByName[operation.name] = row
    }
}
