import Farm
import OrderedCollections

/// A worker's process and its disk.
struct WorkerNode {
    /// A result on the worker's disk.
    struct Kept {
        var result: KeptResult
        var bytes: [UInt8]
    }

    let index: Int
    var temper: Temper

    // What a crash leaves.
    var outbox: OrderedDictionary<LeaseID, Kept> = [:]
    var isDiskFull = false

    // What a crash takes.
    var isUp = false
    var life = 0
    var machine: WorkerMachine?
    /// Reports that leave together.
    var outgoing: [WorkerReport] = []
    var transfers = BlobTransfers()
    var engine = Engine()
    /// The control connection; blobs have their own.
    var connection = 0
    var blobConnection: Int?
    var born: Int64 = 0
    var pausedUntil: Int64 = 0
    /// When a wake is due already; the number fences those that it made needless.
    var wakes: Int64 = .max
    var wakeSerial = 0
    /// Actions until it crashes.
    var fuse: Int?

    init(index: Int, temper: Temper) {
        self.index = index
        self.temper = temper
    }
}

/// The one thread of a worker that computes.
struct Engine {
    struct Stage {
        var assignment: Assignment
        var farm: FarmID
        var input: [UInt8]?
    }

    /// What will come of the stage at hand.
    enum Fate {
        case ends, sticks, fails, kills
    }

    struct Running {
        var stage: Stage
        var fate: Fate
        /// -1 while weights are loaded.
        var step: Int
        var steps: Int
        var loadMilliseconds: Int64
        var stepMilliseconds: Int64
    }

    /// Stages whose weights fit into memory at once.
    static let room = 2

    var queue: [Stage] = []
    var running: Running?
    /// The latest used last.
    var resident: [StageKey] = []
    var interrupted: [LeaseID] = []
    /// Fences steps of stages that are no more.
    var serial = 0
}
