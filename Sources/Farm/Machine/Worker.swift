/// A stage of a model, as measured and excluded.
package struct StageKey: Hashable, Sendable {
    /// The model.
    package var model: ModelKey
    /// The stage.
    package var stage: StageName

    /// The stage `stage` of `model`.
    package init(model: ModelKey, stage: StageName) {
        self.model = model
        self.stage = stage
    }
}

/// A lease as the coordinator follows it.
struct Lease: Hashable, Sendable {
    var id: LeaseID
    var key: StageKey
    /// Milliseconds without progress after which it ends.
    var patience: Int64
    var deadline: Instant
    var phase: TaskPhase = .loading
    var step = 0
    var steps = 0
}

/// What a worker did wrong in one stage of one model.
struct Exclusion: Hashable, Sendable {
    var key: StageKey
    /// Different images that failed running.
    var failed: [ImageID] = []
    /// Until when it is not given the stage; nil while it is only watched.
    var until: Instant?
    var reason = ""
}

/// A worker as the coordinator knows it.
struct Worker: Hashable, Sendable {
    /// Whether it can be given work.
    enum Presence: Hashable, Sendable {
        /// Heard within the grace time.
        case connected
        /// Its connection broke or the coordinator restarted; its leases hold until the grace time ends.
        case away
        /// The grace time ended.
        case lost
    }

    var hello: WorkerHello
    var presence: Presence
    var heard: Instant
    /// Nonces of earlier lives, the latest last: a hello from one of them is a second process of the same
    /// name.
    var formerNonces: [UInt64] = []
    var leases: [Lease] = []
    var completed = 0
    var failed = 0
    var exclusions: [Exclusion] = []

    var session: WorkerSession { hello.session }

    func serves(_ model: ModelKey) -> Bool {
        hello.models.contains { $0.key == model }
    }

    func isExcluded(from key: StageKey, at now: Instant) -> Bool {
        exclusions.contains { $0.key == key && ($0.until.map { $0 > now } ?? false) }
    }

    /// Notes a failure; true when the worker is now excluded from the stage.
    mutating func noteFailure(
        of image: ImageID, in key: StageKey, at now: Instant, options: CoordinatorOptions
    ) -> Bool {
        failed += 1
        let place = exclusions.firstIndex { $0.key == key } ?? exclusions.endIndex
        if place == exclusions.endIndex { exclusions.append(Exclusion(key: key)) }
        if !exclusions[place].failed.contains(image),
            exclusions[place].failed.count < options.failuresToExclude
        {
            exclusions[place].failed.append(image)
        }
        guard exclusions[place].failed.count >= options.failuresToExclude else { return false }
        exclusions[place].until = now.advanced(by: options.exclusion)
        exclusions[place].reason = "failed \(options.failuresToExclude) pictures running"
        return true
    }

    /// Notes a success: what it did wrong in the stage is forgotten.
    mutating func noteSuccess(in key: StageKey) {
        completed += 1
        exclusions.removeAll { $0.key == key && $0.until != Instant(milliseconds: .max) }
    }

    /// Never gives it the stage again in this life.
    mutating func quarantine(from key: StageKey) {
        exclusions.removeAll { $0.key == key }
        exclusions.append(
            Exclusion(
                key: key, until: Instant(milliseconds: .max), reason: "gave other bytes than another worker"))
    }
}
