import Farm
import FarmProtocol
package import Logging
import Store
import Synchronization
package import ZeroMQ

/// A running coordinator: one thread decides, commits and talks, another moves blobs.
///
///     let service = try CoordinatorService(CoordinatorConfiguration(dataFolder: "data"), context: context,
///     log: log)
///     print(service.endpoint)
///     service.stop()
package final class CoordinatorService: Sendable {
    /// Where workers and clients connect, with the port that the system chose.
    package let endpoint: Endpoint
    private let control: PollThread<ControlLoop>
    private let blobs: PollThread<BlobLoop>
    /// There when there are keys.
    private let gate: PollThread<Gatekeeper>?

    /// Opens the data folder, takes up where the last coordinator stopped, and listens.
    /// - Throws: `CoordinatorError`, with a sentence that says what to do.
    package init(
        _ configuration: CoordinatorConfiguration, context: Context, log: Logger
    ) throws(CoordinatorError) {
        let (endpoint, blobEndpoint) = try CoordinatorService.endpoints(
            configuration.listen, hasKeys: configuration.keys != nil)
        let ring = try CoordinatorService.ring(configuration.keys, log)
        let storage = try Storage(folder: configuration.dataFolder)
        let bound = Mutex([Endpoint]())
        let note = { @Sendable (endpoint: Endpoint) in bound.withLock { $0.append(endpoint) } }
        let reports = TroubleReports()
        let pair = configuration.keys?.pair
        do throws(ZeroMQError) {
            // Before the first address is bound, or the library would let everybody in.
            gate = try ring.map { ring throws(ZeroMQError) in
                try PollThread(name: "keys", context: context) { () throws(ZeroMQError) in
                    try Gatekeeper(context) { ring.entry($0) != nil }
                }
            }
        } catch {
            throw .network(error)
        }
        do throws(ZeroMQError) {
            blobs = try PollThread(name: "blobs", context: context) { () throws(ZeroMQError) in
                try BlobLoop(
                    context, endpoint: blobEndpoint, folder: storage.blobs, keys: ring, pair: pair,
                    reports: reports, log: log, note)
            }
        } catch {
            gate?.stop()
            gate?.join()
            throw .blobs(error)
        }
        var settings = configuration
        settings.options.blobPort = bound.withLock { Int($0.last?.port ?? 0) }
        settings.options.farm = storage.farm
        settings.options.protocolVersions = FarmCodec.oldestVersion...FarmCodec.newestVersion
        do throws(ZeroMQError) {
            control = try PollThread(name: "control", context: context) { [settings] () throws(ZeroMQError) in
                try ControlLoop(
                    context, endpoint: endpoint, storage: storage, settings: settings, keys: ring, log: log,
                    note)
            }
        } catch {
            gate?.stop()
            blobs.stop()
            blobs.join()
            gate?.join()
            throw .network(error)
        }
        self.endpoint = bound.withLock { $0.last ?? endpoint }
        let control = control
        reports.receive { text in try? control.post(.diskTrouble(text)) }
        log.info("coordinator listens on \(self.endpoint)")
    }

    /// Says goodbye to the workers and ends. Blocks until both threads have ended.
    package func stop() {
        control.stop()
        blobs.stop()
        gate?.stop()
        join()
    }

    /// Waits, blocking, until the coordinator has ended.
    package func join() {
        control.join()
        blobs.join()
        gate?.join()
    }

    private static func ring(_ folder: KeyFolder?, _ log: Logger) throws(CoordinatorError) -> KeyRing? {
        guard let folder else { return nil }
        do {
            return try KeyRing(folder, log: log)
        } catch {
            throw .keys(error)
        }
    }

    private static func endpoints(
        _ text: String, hasKeys: Bool
    ) throws(CoordinatorError) -> (Endpoint, Endpoint) {
        let endpoint: Endpoint
        do {
            endpoint = try Endpoint(parsing: text)
        } catch {
            throw .network(error)
        }
        guard endpoint.isLoopback || hasKeys else { throw .notLoopback(endpoint: text) }
        guard endpoint.port < .max else { throw .noBlobPort(endpoint: text) }
        return (endpoint, endpoint.with(port: endpoint.port == 0 ? 0 : endpoint.port + 1))
    }
}

/// The data folder, opened: what both threads share.
final class Storage: Sendable {
    let folder: DataFolder
    let jobs: JobStore
    let blobs: BlobFolder
    /// Which farm it is.
    let farm: FarmID
    private let left: Mutex<CoordinatorSnapshot?>

    init(folder path: String) throws(CoordinatorError) {
        do {
            folder = try DataFolder(path: path)
            jobs = try JobStore(folder)
            blobs = try BlobFolder(folder)
            farm = try jobs.farm()
            left = Mutex(try jobs.load())
        } catch {
            throw .store(error)
        }
    }

    /// What the last coordinator left. Given away once, for nobody but the machine may keep the rows of a
    /// million images: it would copy them at their first change.
    func takeSnapshot() -> CoordinatorSnapshot { left.withLock { $0.take() } ?? .empty }
}

/// Carries word of a full disk from the thread that moves blobs to the one that decides.
final class TroubleReports: Sendable {
    private let receiver = Mutex<(@Sendable (String) -> Void)?>(nil)

    func receive(_ body: @escaping @Sendable (String) -> Void) { receiver.withLock { $0 = body } }
    func report(_ text: String) { receiver.withLock { $0 }?(text) }
}
