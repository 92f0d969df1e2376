import ArgumentParser
import Foundation
import Logging
import Worker
import ZeroMQ

/// `tessera worker`: hosts the engine and takes tasks from a coordinator.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Takes tasks from a coordinator and renders them.",
        discussion:
            "It waits for a coordinator that is not there yet, and comes back to one that was restarted.")

    @Option(help: "The coordinator's address.")
    var connect = FarmAddress.standard

    @Option(help: "The worker's lasting name, unique in the farm; host and process when not given.")
    var name: String?

    @Option(help: "A model folder or name to serve; every model found when not given.")
    var model: String?

    @Option(help: "Folder for finished results that the coordinator does not have yet.")
    var cache: String?

    @Option(help: "Labels, separated by commas.")
    var tags = ""

    @OptionGroup var engine: ThreadsOption
    @OptionGroup var service: ServiceOptions

    func run() throws {
        let host = ProcessInfo.processInfo.hostName
        let name = self.name ?? "\(host)-\(getpid())"
        var configuration = WorkerConfiguration(
            coordinator: try FarmAddress.endpoint(connect), name: name,
            folder: cache ?? FileManager.default.temporaryDirectory.path() + "/tessera-worker-\(name)")
        configuration.threads = engine.threads
        configuration.tags = tags.split(separator: ",").map(String.init)
        configuration.host = host
        configuration.build = TesseraVersion.text
        let models = try ModelShelf(folders: try ModelChoice.folders(model))
        let worker = try WorkerService(
            configuration, models: models, context: try Context(), log: service.logger(label: name))
        try service.run(stop: { worker.stop() }, join: { try worker.join() })
    }
}
