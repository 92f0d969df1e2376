/// A stage of a model, as measured and excluded.
package struct StageKey: Hashable, Comparable, Sendable {
    /// The model.
    package var model: ModelKey
    /// The stage.
    package var stage: StageName

    /// The stage `stage` of `model`.
    package init(model: ModelKey, stage: StageName) {
        self.model = model
        self.stage = stage
    }

    package static func < (left: StageKey, right: StageKey) -> Bool {
        (left.model, left.stage) < (right.model, right.stage)
    }
}

/// A lease as the coordinator follows it.
struct Lease: Hashable, Sendable {
    var id: LeaseID
    var key: StageKey
    /// The task's steps over the model's usual ones.
    var work: Double
    /// Milliseconds without progress after which it ends.
    var patience: Int64
    var deadline: Instant
    /// When it was given.
    var given: Instant
    /// Seconds that it should take; what its owner is charged.
    var seconds: Double
    /// Whether the worker has said anything about it.
    var hasBegun = false
    var phase: TaskPhase = .loading
    var step = 0
    var steps = 0

    /// Of `seconds`, what the steps that were told leave.
    var secondsLeft: Double {
        switch phase {
        case .loading: seconds
        case .stepping: steps > 0 ? seconds * max(0, 1 - Double(step) / Double(steps)) : seconds
        case .uploading: 0
        }
    }
}

/// What a worker did wrong in one stage of one model.
struct Exclusion: Hashable, Sendable {
    var key: StageKey
    /// Different images that failed running.
    var failed: [ImageID] = []
    /// Until when it is not given the stage; nil while it is only watched.
    var until: Instant?
    var reason = ""
    /// Whether it gave other bytes than another worker, which a success does not make good.
    var isQuarantine = false
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
    /// The model in its memory, as far as can be told, and the seconds it worked since it came there.
    var home: ModelKey?
    var workSinceLoad = 0.0
    /// Its own measured seconds of each stage with the usual steps. Looked up, never iterated.
    var paces: [StageKey: Pace] = [:]
    var completed = 0
    var failed = 0
    var exclusions: [Exclusion] = []
    /// Until when it gets no task because it gave some back, how many running, and what it said.
    var restsUntil = Instant(milliseconds: .min)
    var declines = 0
    var restReason = ""

    var session: WorkerSession { hello.session }

    /// Seconds of work that it should still have.
    var secondsLeft: Double { leases.reduce(0) { $0 + $1.secondsLeft } }

    /// The leases that it works on, as far as can be told: those that advanced, and of the others as many as
    /// it has slots for. What waits behind them did nothing to the worker, nor the worker to it.
    var atWork: Set<LeaseID> {
        var free = hello.slots - leases.count { $0.phase == .stepping }
        var ids: Set<LeaseID> = []
        for lease in leases {
            if lease.phase == .loading {
                guard free > 0 else { continue }
                free -= 1
            }
            ids.insert(lease.id)
        }
        return ids
    }

    /// Notes which model it works with next.
    mutating func comeHome(to model: ModelKey) {
        guard home != model else { return }
        home = model
        workSinceLoad = 0
    }

    func serves(_ model: ModelKey) -> Bool {
        hello.models.contains { $0.key == model }
    }

    /// Whether it must not be given the stage: it failed there, or has too little memory.
    func isExcluded(from key: StageKey, at now: Instant) -> Bool {
        hello.unserved.contains(key)
            || exclusions.contains { $0.key == key && ($0.until.map { $0 > now } ?? false) }
    }

    /// Notes a failure; true when the worker is now excluded from the stage.
    mutating func noteFailure(
        of image: ImageID, in key: StageKey, at now: Instant, options: CoordinatorOptions
    ) -> Bool {
        failed += 1
        if let place = exclusions.firstIndex(where: { $0.key == key && $0.isQuarantine }) {
            // It is kept from the stage already, and for longer.
            if isExcluded(from: key, at: now) { return false }
            exclusions.remove(at: place)
        }
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

    /// Notes that it gave a task back without fault; it rests, the longer the oftener.
    mutating func noteDecline(_ reason: String, at now: Instant, options: CoordinatorOptions) {
        restsUntil = now.advanced(by: options.declineRest << Int64(min(declines, 5)))
        declines += 1
        restReason = reason
    }

    func rests(at now: Instant) -> Bool { restsUntil > now }

    /// A new process of the same name begins: what it is excluded from is open to it again. What it failed
    /// running before that still counts, for a process may be killed by the stage itself.
    mutating func forgiveExclusions() {
        exclusions.removeAll { $0.until != nil }
        restsUntil = Instant(milliseconds: .min)
        declines = 0
    }

    /// Notes a success, which took `seconds` for so much work: what it did wrong in the stage is forgotten.
    mutating func noteSuccess(in key: StageKey, seconds: Double, work: Double, at now: Instant) {
        completed += 1
        declines = 0
        workSinceLoad += seconds
        paces[key, default: Pace(seconds: seconds / work)].note(seconds / work)
        let stays = isExcluded(from: key, at: now)
        exclusions.removeAll { $0.key == key && !($0.isQuarantine && stays) }
    }

    /// Does not give it the stage until then, for what it gave for `image`; false when that is known already.
    mutating func quarantine(from key: StageKey, until end: Instant, for image: ImageID) -> Bool {
        var images = exclusions.first { $0.key == key && $0.isQuarantine }?.failed ?? []
        guard !images.contains(image) else { return false }
        images.append(image)
        exclusions.removeAll { $0.key == key }
        exclusions.append(
            Exclusion(
                key: key, failed: images, until: end, reason: "gave other bytes than another worker",
                isQuarantine: true))
        return true
    }
}
