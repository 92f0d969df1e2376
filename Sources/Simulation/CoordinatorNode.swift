import Farm
import OrderedCollections

/// The coordinator's process and its disk.
struct CoordinatorNode {
    /// Where a worker is, and the protocol version that both speak.
    struct Route {
        var peer: Peer
        var version: Int
    }

    // What a crash leaves.
    let store: any FarmStore
    var blobs: [BlobID: [UInt8]] = [:]
    var incoming: [BlobID: [UInt8]] = [:]
    var isDiskFull = false
    /// Writes that will fail before one succeeds again.
    var failingWrites = 0

    // What a crash takes.
    var isUp = false
    var life = 0
    var machine = CoordinatorMachine()
    /// The protocol versions that this life's program speaks.
    var protocolVersions = 1...1
    var clockOffset: Int64 = 0
    /// The last pause, of which it has not noticed the part since `pausedSince`.
    var pausedSince: Int64 = 0
    var pausedUntil: Int64 = 0
    /// Actions until it crashes.
    var fuse: Int?
    var inbox: [(peer: Peer, message: FarmMessage)] = []
    var isTurnDue = false
    var nextTick: Int64 = 0
    var routes: OrderedDictionary<WorkerSession, Route> = [:]
    var peers: OrderedDictionary<Peer, WorkerSession> = [:]
    var waiting: OrderedDictionary<RequestID, (Peer, UInt64)> = [:]
    var lastRequest: UInt64 = 0
    var uploads: [BlobID: Int] = [:]
    var changes: [CoordinatorChange] = []
    var outgoing: [CoordinatorEffect] = []
    var stall: String?
    var diskTrouble: String?

    init(store: any FarmStore) { self.store = store }
}
