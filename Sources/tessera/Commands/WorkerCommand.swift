import ArgumentParser
import Farm
import Foundation
import Logging
import Worker
import ZeroMQ

/// `tessera worker`: hosts the engine and takes tasks from a coordinator.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Takes tasks from a coordinator and renders them.",
        discussion: """
            It waits for a coordinator that is not there yet, and comes back to one that was restarted. \
            SIGINT and SIGTERM end it at once: its task is free for others. SIGUSR1 lets it finish and \
            deliver what it has begun before it ends.
            """)

    @Option(help: "The coordinator's address.")
    var connect = FarmAddress.standard

    @Option(help: ArgumentHelp("Folder of this worker's keys, from `tessera keys add`.", valueName: "dir"))
    var keys: String?

    @Option(help: "The worker's lasting name, unique in the farm; the host's when not given.")
    var name: String?

    @Option(help: "A model folder or name to serve; every model found when not given.")
    var model: String?

    @Option(help: "Folder for results not yet delivered; below ~/.local/state when not given.")
    var cache: String?

    @Option(
        help: ArgumentHelp(
            "Memory that the worker may use, such as 8GiB: stages that need more are left to others. "
                + "All that the machine has when not given.",
            valueName: "size"))
    var memory: ByteCount?

    @Option(help: "Labels, separated by commas.")
    var tags = ""

    @OptionGroup var engine: ThreadsOption
    @OptionGroup var service: ServiceOptions

    private var labels: [String] { tags.split(separator: ",").map(String.init) }

    func validate() throws {
        if let name { try TextLimits.check(name, option: "--name") }
        for label in labels { try TextLimits.check(label, option: "--tags") }
        guard labels.count <= Limits.tagsPerWorker else {
            throw ValidationError("--tags has \(labels.count) labels; at most \(Limits.tagsPerWorker) fit.")
        }
    }

    func run() throws {
        let host = ProcessInfo.processInfo.hostName
        let name = self.name ?? host
        var configuration = WorkerConfiguration(
            coordinator: try FarmAddress.endpoint(connect), name: name,
            folder: cache ?? Self.stateFolder(name))
        configuration.keys = try keys.map { folder throws(KeyError) in try PeerKeys(folder: folder) }
        configuration.threads = engine.threads
        configuration.memory = memory?.bytes ?? MachineMemory.bytes
        configuration.tags = labels
        configuration.host = host
        configuration.build = TesseraVersion.text
        let models = try ModelShelf(folders: try ModelChoice.folders(model))
        let worker = try WorkerService(
            configuration, models: models, context: try Context(), log: service.logger(label: name))
        let draining = SignalTrap([SIGUSR1]) { _ in worker.drain() }
        try withExtendedLifetime(draining) {
            try service.run(stop: { worker.stop() }, join: { try worker.join() })
        }
    }

    /// Lasting, so that a worker that is started again finds what it had finished (XDG base directories).
    private static func stateFolder(_ name: String) -> String {
        let given = ProcessInfo.processInfo.environment["XDG_STATE_HOME"] ?? ""
        let state = given.hasPrefix("/") ? given : NSHomeDirectory() + "/.local/state"
        let plain = name.map { $0.isLetter || $0.isNumber || $0 == "-" ? $0 : "_" }
        return state + "/tessera/" + String(plain)
    }
}
