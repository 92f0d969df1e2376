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

    @Option(help: "Address for workers and clients, on loopback; blobs use the port after it.")
    var listen = FarmAddress.standard

    @OptionGroup var service: ServiceOptions

    func run() throws {
        var configuration = CoordinatorConfiguration(dataFolder: data)
        configuration.listen = listen
        configuration.build = TesseraVersion.text
        let coordinator = try CoordinatorService(
            configuration, context: try Context(), log: service.logger(label: "coordinator"))
        try service.run(stop: { coordinator.stop() }, join: { coordinator.join() })
    }
}
