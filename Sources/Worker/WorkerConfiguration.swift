package import ZeroMQ

/// What a worker needs to know.
package struct WorkerConfiguration: Sendable {
    /// Where the coordinator listens.
    package var coordinator: Endpoint
    /// The worker's lasting name: the same after a restart, another for each worker of a farm.
    package var name: String
    /// Folder for results until the coordinator has them; one worker process uses it at a time.
    package var folder: String
    /// Keys to the coordinator; nil: none, as on loopback.
    package var keys: PeerKeys?
    /// Threads of the engine. Default 1.
    package var threads = 1
    /// Bytes of memory that it may use; stages that need more are left to others. Default no limit.
    package var memory = Int.max
    /// Free labels. Default none.
    package var tags: [String] = []
    /// The machine's name, for people. Default empty.
    package var host = ""
    /// The program's version, for people. Default empty.
    package var build = ""

    /// A worker named `name` of the coordinator at `coordinator`, with its results in `folder`.
    package init(coordinator: Endpoint, name: String, folder: String) {
        self.coordinator = coordinator
        self.name = name
        self.folder = folder
    }
}
