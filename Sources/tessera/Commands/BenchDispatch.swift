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
            has a connection of its own, beats, and answers every task with a real message; all results name \
            one small blob. Every number of workers is measured with every number of images.

            TASKS/S are cheap tasks that take no time: several of them travel at once. SINGLY are dear ones \
            that take no time either, each sent when its worker has nothing left to do.

            P50 and P99 are of the dispatch latency: from the moment when a worker with nothing left to do \
            sends its last result until its next task arrives. Both ways over the wire, the wait in the \
            coordinator's queue and the commit of result and lease are in it. It is measured twice: with the \
            cheap tasks, where the coordinator is busy throughout and a worker waits for all that is before \
            it; and under a sustained load of dear tasks that take time, half as many a second as it could \
            give singly. Status is the slowest answer at full load. CPU is the coordinator's, of one core, \
            at full and at half load.
            """)

    @Option(help: "Numbers of workers, separated by commas.")
    var workers = "10,100,1000,10000"

    @Option(help: "Numbers of images of the job, one task each, separated by commas.")
    var images = "100000"

    @Option(help: "Folder on the disk to measure; the system's temporary one when not given.")
    var data = FileManager.default.temporaryDirectory.path()

    @Option(help: "Address for the coordinator; blobs use the port after it.")
    var listen = "tcp://127.0.0.1:7620"

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        _ = try Self.numbers(workers, "--workers", most: Limits.workers)
        _ = try Self.numbers(images, "--images", most: Limits.imagesPerJob)
    }

    private static func numbers(_ text: String, _ option: String, most: Int) throws -> [Int] {
        let words = text.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = words.compactMap { Int($0) }.filter { (1...most).contains($0) }
        guard numbers.count == words.count else {
            throw ValidationError("\(option) is \(text); it must be numbers from 1 to \(most).")
        }
        return numbers
    }

    func run() throws {
        let interruption = Interruption()
        var rows: [DispatchBenchmark.Row] = []
        for workers in try Self.numbers(workers, "--workers", most: Limits.workers) {
            for images in try Self.numbers(images, "--images", most: Limits.imagesPerJob) {
                let benchmark = DispatchBenchmark(
                    data: data, listen: listen, workers: workers, images: images, interruption: interruption)
                rows.append(try benchmark.run())
                if !json { Output.remark("\(workers) workers, \(images) images measured") }
            }
        }
        if json { return try Output.json(rows) }
        print(Self.table(rows).text)
    }

    private static func table(_ rows: [DispatchBenchmark.Row]) -> TextTable {
        var table = TextTable(
            "WORKERS", "IMAGES", "ACCEPTED", "TASKS/S", "P50", "P99", "CPU", "SINGLY", "AT TASKS/S", "P50",
            "P99", "CPU", "STATUS", "CPU/TASK", "MEMORY", "RESTART")
        for row in rows {
            let processor = row.coordinatorProcessorSeconds * 1e6 / Double(row.images)
            table.add(
                "\(row.workers)", "\(row.images)", text(row.acceptSeconds, "%.1f s"),
                text(row.tasksPerSecond, "%.0f"), text(row.fullLoad.p50, "%.1f ms"),
                text(row.fullLoad.p99, "%.1f ms"), text(row.fullLoadProcessors * 100, "%.0f %%"),
                text(row.singlyTasksPerSecond, "%.0f"), text(row.halfLoadTasksPerSecond, "%.0f"),
                text(row.halfLoad.p50, "%.1f ms"), text(row.halfLoad.p99, "%.1f ms"),
                text(row.halfLoadProcessors * 100, "%.0f %%"),
                text(row.statusMilliseconds, "%.0f ms"), text(processor, "%.0f µs"),
                text(Double(row.coordinatorPeakBytes) / 1e6, "%.0f MB"), text(row.restartSeconds, "%.1f s"))
        }
        return table
    }

    private static func text(_ value: Double?, _ format: String) -> String {
        value.map { String(format: format, $0) } ?? "-"
    }
}
