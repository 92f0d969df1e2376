import ArgumentParser
import Coordinator
import ZeroMQ

/// `tessera coordinator`: keeps the jobs and gives out the tasks.
struct CoordinatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator",
        abstract: "Keeps jobs and pictures, and leases tasks to workers.",
        discussion: "It can be killed at any moment and started again on the same folder; nothing is lost.")

    @Option(help: "Folder for jobs and pictures; it is made where it is missing.")
    var data: String

    @Option(
        help: "Address for workers and clients; blobs use the port after it. Off loopback it needs --keys.")
    var listen = FarmAddress.standard

    @Option(help: ArgumentHelp("Folder of keys, from `tessera keys init`.", valueName: "dir"))
    var keys: String?

    @OptionGroup var service: ServiceOptions

    func run() throws {
        var configuration = CoordinatorConfiguration(dataFolder: data)
        configuration.listen = listen
        configuration.keys = try keys.map { folder throws(KeyError) in try KeyFolder(path: folder) }
        configuration.build = TesseraVersion.text
        let coordinator = try CoordinatorService(
            configuration, context: try Context(), log: service.logger(label: "coordinator"))
        service.announce()
        try service.run(stop: { coordinator.stop() }, join: { coordinator.join() })
    }
}
