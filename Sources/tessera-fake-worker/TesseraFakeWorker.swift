import ArgumentParser
import Farm
import Logging
import Worker
import ZeroMQ

/// `tessera-fake-worker`: a worker as `tessera worker` starts it, but for its engine. For `ops/chaos`, where
/// stages of milliseconds strike more often than a real engine's at the moments between stages.
@main
struct TesseraFakeWorker: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tessera-fake-worker",
        abstract: "Serves the model 'fake', whose pictures are noise that follows from the request.")

    @Option(help: "The coordinator's address.") var connect: String
    @Option(help: "Folder of this worker's keys.") var keys: String?
    @Option(help: "The worker's lasting name.") var name: String
    @Option(help: "Folder for results not yet delivered.") var cache: String
    @Option(help: "Seconds that each of a stage's three steps takes.") var stepSeconds = 0.005

    private static func model() throws -> ModelAnnouncement {
        guard let hash = Digest(bytes: [UInt8](repeating: 0xFA, count: 32)) else { throw ExitCode.failure }
        let stages = [("prior", nil), ("base64", 64)].map { name, size in
            AnnouncedStage(name: StageName(name), steps: 3, guidance: nil, size: size)
        }
        return ModelAnnouncement(key: ModelKey(name: "fake", hash: hash), version: "1", stages: stages)
    }

    func run() throws {
        var configuration = WorkerConfiguration(
            coordinator: try Endpoint(parsing: connect), name: name, folder: cache)
        configuration.keys = try keys.map { folder throws(KeyError) in try PeerKeys(folder: folder) }
        let stepSeconds = stepSeconds
        let worker = try WorkerService(
            configuration, models: [try Self.model()], context: try Context(), log: Logger(label: name)
        ) {
            FakeStages(stepSeconds: stepSeconds)
        }
        try worker.join()
    }
}
