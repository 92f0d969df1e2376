/// The workers by name, with an index of those that have room and of when time alone changes something, so
/// that a task and a tick look at the workers concerned and not at all of them. The index follows every
/// change by itself.
///
/// Workers are iterated in the order of their places, which is that of joining, but for places left by
/// others.
struct WorkerTable: Hashable, Sendable {
    /// What decides whether a worker may be given a task.
    private struct Standing: Hashable {
        var isFree = false
        var leases = 0
        var slots = 0
        var exclusions = 0
        var models = 0
        var nonce: UInt64 = 0

        init() {}

        init(_ worker: Worker) {
            isFree = worker.presence == .connected && worker.leases.count < worker.hello.slots
            leases = worker.presence == .connected ? worker.leases.count : -1
            slots = worker.hello.slots
            exclusions = worker.exclusions.count
            models = worker.hello.models.count
            nonce = worker.hello.session.nonce
        }
    }

    /// What time does to a worker.
    private struct Clock: Hashable {
        /// After this moment its silence or a lease's time is over.
        var due = Instant(milliseconds: .max)
        /// When the oldest of its leases was given, while it is connected.
        var given = Instant(milliseconds: .max)
    }

    private var places: [WorkerID: Int] = [:]
    private var rows: [Worker?] = []
    private var standings: [Standing] = []
    private var clocks: [Clock] = []
    private let grace: Int64
    private let lostLife: Int64
    /// Connected workers with fewer tasks than slots, by their places.
    private var free = ReadySet(capacity: Limits.workers)
    /// Places of those whose standing changed since `takeChanged`.
    private var changed: [Int] = []

    /// No workers; silence counts as `options` say.
    init(_ options: CoordinatorOptions) {
        grace = options.grace
        lostLife = options.lostWorkerLife
    }

    /// How many there are.
    var count: Int { places.count }
    /// The workers.
    var values: some Collection<Worker> { rows.lazy.compactMap { $0 } }

    /// The worker of this name; nil removes it.
    subscript(id: WorkerID) -> Worker? {
        _read {
            if let place = places[id] { yield rows[place] } else { yield nil }
        }
        _modify {
            let known = places[id]
            let place = known ?? vacantPlace()
            yield &rows[place]
            if (known == nil) == (rows[place] != nil) { places[id] = rows[place] == nil ? nil : place }
            settle(place)
        }
    }

    /// Removes a worker.
    mutating func removeValue(forKey id: WorkerID) { self[id] = nil }

    /// The first worker with room for a task whose place is not below `start`, and its place.
    func firstFree(from start: Int) -> (place: Int, id: WorkerID)? {
        guard let place = free.first(from: start), let worker = rows[place] else { return nil }
        return (place, worker.session.worker)
    }

    /// Notes that a session was heard; false when it is not a worker's present one, when it is lost, or when
    /// nothing but its leases is known of it.
    mutating func hear(_ session: WorkerSession, at now: Instant) -> Bool {
        guard let place = places[session.worker], rows[place]?.session == session,
            let presence = rows[place]?.presence, presence != .lost,
            presence == .connected || rows[place]?.hello.models.isEmpty == false
        else { return false }
        rows[place]?.heard = now
        rows[place]?.presence = .connected
        settle(place)
        return true
    }

    /// Nobody could be heard for so long: silence and leases that had not ended before count without it.
    mutating func excuse(_ milliseconds: Int64, at now: Instant) {
        for place in rows.indices where rows[place].map({ $0.presence != .lost }) ?? false {
            let heard = rows[place]?.heard ?? now
            rows[place]?.heard = min(now, heard.advanced(by: milliseconds))
            for index in rows[place]?.leases.indices ?? 0..<0 {
                guard let lease = rows[place]?.leases[index] else { continue }
                rows[place]?.leases[index].deadline = lease.deadline.advanced(by: milliseconds)
                rows[place]?.leases[index].given = min(now, lease.given.advanced(by: milliseconds))
            }
            settle(place)
        }
    }

    /// Who holds a lease; nil when nobody does.
    func holder(of lease: LeaseID) -> WorkerID? {
        let place = rows.indices.first { rows[$0]?.leases.contains { $0.id == lease } ?? false }
        return place.flatMap { rows[$0]?.session.worker }
    }

    /// The workers whose silence, or the time of one of whose leases, is over; by their places.
    func due(at now: Instant) -> [WorkerID] {
        clocks.indices.lazy.filter { clocks[$0].due < now }.compactMap { rows[$0]?.session.worker }
    }

    /// The leases of connected workers that were given before `moment`, with their holders.
    func leases(givenBefore moment: Instant) -> [(Lease, WorkerID)] {
        clocks.indices.lazy.filter { clocks[$0].given < moment }.flatMap { place in
            guard let worker = rows[place] else { return [(Lease, WorkerID)]() }
            return worker.leases.filter { $0.given < moment }.map { ($0, worker.session.worker) }
        }
    }

    /// The workers whose room or abilities changed since the last call, in the order of the changes.
    mutating func takeChanged() -> [WorkerID] {
        defer { changed.removeAll(keepingCapacity: true) }
        return changed.compactMap { rows[$0]?.session.worker }
    }

    /// Counts a worker among the changed, for time may have changed what it may do.
    mutating func markChanged(_ id: WorkerID) {
        if let place = places[id], changed.last != place { changed.append(place) }
    }

    private mutating func vacantPlace() -> Int {
        if places.count < rows.count, let vacant = rows.firstIndex(where: { $0 == nil }) { return vacant }
        rows.append(nil)
        standings.append(Standing())
        clocks.append(Clock())
        return rows.count - 1
    }

    private mutating func settle(_ place: Int) {
        clocks[place] = clock(of: place)
        let standing = rows[place].map(Standing.init) ?? Standing()
        guard standing != standings[place] else { return }
        standings[place] = standing
        if standing.isFree { free.insert(place) } else { free.remove(place) }
        if changed.last != place { changed.append(place) }
    }

    private func clock(of place: Int) -> Clock {
        guard let presence = rows[place]?.presence, let heard = rows[place]?.heard else { return Clock() }
        guard presence != .lost else { return Clock(due: heard.advanced(by: lostLife)) }
        var clock = Clock(due: heard.advanced(by: grace))
        for lease in rows[place]?.leases ?? [] {
            clock.due = min(clock.due, lease.deadline)
            if presence == .connected { clock.given = min(clock.given, lease.given) }
        }
        return clock
    }
}
