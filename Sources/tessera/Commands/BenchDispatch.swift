import ArgumentParser
import Farm
import Foundation

/// `tessera bench dispatch`.
struct BenchDispatch: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dispatch",
        abstract: "Measures the coordinator with many workers that render nothing.",
        discussion: """
            A coordinator runs in its own process with its database on disk, fsync included. Each worker \
            has a connection of its own and answers every task with a real message; all results name one \
            small blob. The two waits are how long a worker with nothing left to do waits for its next task: \
            at full load, where tasks take no time, and at half of that load. Status is the slowest answer \
            at full load.
            """)

    @Option(help: "Numbers of workers, separated by commas.")
    var workers = "10,100,1000,10000"

    @Option(help: "Images of the job, one task each.")
    var images = 100_000

    @Option(help: "Folder on the disk to measure; the system's temporary one when not given.")
    var data = FileManager.default.temporaryDirectory.path()

    @Option(help: "Address for the coordinator; blobs use the port after it.")
    var listen = "tcp://127.0.0.1:7620"

    @Flag(help: "Print JSON.")
    var json = false

    private var sizes: [Int] { workers.split(separator: ",").compactMap { Int($0) } }

    func validate() throws {
        guard !sizes.isEmpty, sizes.count == workers.split(separator: ",").count,
            sizes.allSatisfy({ (1...Limits.workers).contains($0) })
        else {
            throw ValidationError("--workers is \(workers); it must be numbers from 1 to \(Limits.workers).")
        }
        guard (1...Limits.imagesPerJob).contains(images) else {
            throw ValidationError("--images is \(images); it must be 1 to \(Limits.imagesPerJob).")
        }
    }

    func run() throws {
        OpenFileLimit.raise()
        var rows: [DispatchBenchmark.Row] = []
        for count in sizes {
            let benchmark = DispatchBenchmark(data: data, listen: listen, workers: count, images: images)
            rows.append(try benchmark.run())
            if !json { Output.remark("\(count) workers measured") }
        }
        if json { return try Output.json(rows) }
        var table = TextTable(
            "WORKERS", "IMAGES", "ACCEPTED", "TASKS/S", "P50", "P99", "AT TASKS/S", "P50", "P99", "STATUS",
            "CPU/TASK", "MEMORY", "RESTART")
        for row in rows {
            let processor = row.coordinatorProcessorSeconds * 1e6 / Double(row.images)
            table.add(
                "\(row.workers)", "\(row.images)", Self.text(row.acceptSeconds, "%.1f s"),
                Self.text(row.tasksPerSecond, "%.0f"), Self.text(row.fullLoad.p50, "%.1f ms"),
                Self.text(row.fullLoad.p99, "%.1f ms"), Self.text(row.halfLoadTasksPerSecond, "%.0f"),
                Self.text(row.halfLoad.p50, "%.1f ms"), Self.text(row.halfLoad.p99, "%.1f ms"),
                Self.text(row.statusMilliseconds, "%.0f ms"), Self.text(processor, "%.0f µs"),
                Self.text(Double(row.coordinatorPeakBytes) / 1e6, "%.0f MB"),
                Self.text(row.restartSeconds, "%.1f s"))
        }
        print(table.text)
    }

    private static func text(_ value: Double, _ format: String) -> String { String(format: format, value) }
}
