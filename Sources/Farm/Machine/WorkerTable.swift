/// The workers by name, with an index of those that have room, so that giving out a task looks at the workers
/// concerned and not at all of them. The index follows every change by itself.
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

    private var places: [WorkerID: Int] = [:]
    private var rows: [Worker?] = []
    private var standings: [Standing] = []
    /// Connected workers with fewer tasks than slots, by their places.
    private var free = ReadySet(capacity: Limits.workers)
    /// Places of those whose standing changed since `takeChanged`.
    private var changed: [Int] = []

    /// How many there are.
    var count: Int { places.count }
    /// Their names.
    var keys: [WorkerID] { rows.compactMap { $0?.session.worker } }
    /// The workers.
    var values: some Sequence<Worker> { rows.lazy.compactMap { $0 } }

    /// The worker of this name; nil removes it.
    subscript(id: WorkerID) -> Worker? {
        get { places[id].flatMap { rows[$0] } }
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
        return rows.count - 1
    }

    private mutating func settle(_ place: Int) {
        let standing = rows[place].map(Standing.init) ?? Standing()
        guard standing != standings[place] else { return }
        standings[place] = standing
        if standing.isFree { free.insert(place) } else { free.remove(place) }
        if changed.last != place { changed.append(place) }
    }
}
