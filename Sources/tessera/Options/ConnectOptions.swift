import ArgumentParser
import Client
import Farm
import ZeroMQ

/// Which coordinator a client command talks to.
struct ConnectOptions: ParsableArguments {
    @Option(help: "The coordinator's address.")
    var connect = FarmAddress.standard

    @Option(help: ArgumentHelp("Folder of your keys, from `tessera keys add`.", valueName: "dir"))
    var keys: String?

    @Option(help: "Seconds to wait for the coordinator's first answer.")
    var connectTimeout = 5.0

    func validate() throws {
        guard (0.1...86_400).contains(connectTimeout) else {
            throw ValidationError("--connect-timeout is \(connectTimeout); it must be 0.1 to 86400 seconds.")
        }
    }

    /// Connects; Ctrl-C from then on makes the client's calls throw `ClientError.interrupted`.
    func client() throws -> FarmClient {
        let endpoint = try FarmAddress.endpoint(connect)
        let interruption = Interruption()
        var options = FarmClient.Options()
        options.keys = try keys.map { folder throws(KeyError) in try PeerKeys(folder: folder) }
        options.connectMilliseconds = Int64(connectTimeout * 1000)
        options.isInterrupted = { interruption.happened }
        options.onSilence = { Output.remark("The coordinator is silent; waiting for it to come back.") }
        return try FarmClient(endpoint, context: try Context(), options: options)
    }
}

/// A job's number on the command line.
struct JobArgument: ParsableArguments {
    @Argument(help: "The job's number.")
    var job: Int64

    func validate() throws { try Self.check(job) }

    /// Refuses a number that no job has; no message can carry it.
    static func check(_ job: Int64) throws {
        guard job >= 1 else { throw ValidationError("There is no job \(job).") }
    }

    /// The job.
    var id: JobID { JobID(job) }
}
