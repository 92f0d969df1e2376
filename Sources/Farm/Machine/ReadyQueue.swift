/// Which (job, stage) pairs have ready tasks, in the order in which they are served: priority, then the owner
/// that was given the least work, then later stages (so that begun pictures are finished first), then order
/// of submission.
package struct ReadyQueue: Hashable, Sendable {
    /// One pair of job and stage.
    package struct Key: Hashable, Comparable, Sendable {
        /// Higher goes first.
        package var priority: Int
        /// Whose job it is.
        package var owner: String
        /// The stage's place in the plan; higher goes first.
        package var stage: Int
        /// Lower goes first.
        package var job: JobID

        package static func < (left: Key, right: Key) -> Bool {
            (-left.stage, left.job) < (-right.stage, right.job)
        }
    }

    /// What one owner has ready at one priority.
    package struct Share: Hashable, Comparable, Sendable {
        /// Higher goes first.
        package var priority: Int
        /// Seconds of work given to the owner; less goes first.
        package var given: Double
        /// Whose it is.
        package var owner: String
        /// First to serve first.
        package var keys: [Key] = []

        package static func < (left: Share, right: Share) -> Bool {
            (-left.priority, left.given, left.owner) < (-right.priority, right.given, right.owner)
        }
    }

    /// First to serve first; none is empty.
    package private(set) var shares: [Share] = []
    /// Seconds of work given to each owner. Looked up, never iterated.
    private var given: [String: Double] = [:]
    /// Owners whose seconds changed since `takeChanges`.
    private var changed: Set<String> = []

    /// Whether nothing is ready.
    package var isEmpty: Bool { shares.isEmpty }

    /// Makes `key` present or absent. An owner who comes back begins level with the one who was given least:
    /// nobody saves up turns by asking for nothing.
    mutating func set(_ key: Key, present: Bool) {
        var given = self.given[key.owner] ?? 0
        var place = index(of: Share(priority: key.priority, given: given, owner: key.owner))
        if !contains(key, at: place) {
            guard present else { return }
            let least = shares.lazy.map(\.given).min() ?? 0
            if given < least, !shares.contains(where: { $0.owner == key.owner }) {
                given = least
                self.given[key.owner] = given
                changed.insert(key.owner)
            }
            let share = Share(priority: key.priority, given: given, owner: key.owner)
            place = index(of: share)
            shares.insert(share, at: place)
        }
        shares[place].keys.set(key, present: present)
        if shares[place].keys.isEmpty { shares.remove(at: place) }
    }

    /// Notes that an owner was given work (or, below zero, got less than was noted).
    mutating func charge(_ owner: String, seconds: Double) {
        let before = given[owner] ?? 0
        let after = max(0, before + seconds)
        given[owner] = after
        guard after != before else { return }
        changed.insert(owner)
        // An owner with tasks of several priorities stands in several places.
        while let stale = shares.firstIndex(where: { $0.owner == owner && $0.given != after }) {
            var share = shares.remove(at: stale)
            share.given = after
            shares.insert(share, at: index(of: share))
        }
    }

    /// What owners were given, where that changed since the last call; by owner.
    mutating func takeChanges() -> [OwnerShare] {
        defer { changed.removeAll(keepingCapacity: true) }
        return changed.sorted().map { OwnerShare(owner: $0, seconds: given[$0] ?? 0) }
    }

    /// Gives owners what they had before a restart.
    mutating func restore(_ shares: [OwnerShare]) {
        for share in shares { charge(share.owner, seconds: share.seconds - (given[share.owner] ?? 0)) }
        changed = []
    }

    private func contains(_ key: Key, at place: Int) -> Bool {
        place < shares.count && shares[place].owner == key.owner && shares[place].priority == key.priority
    }

    private func index(of share: Share) -> Int {
        var low = 0
        var high = shares.count
        while low < high {
            let middle = (low + high) / 2
            if shares[middle] < share { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension [ReadyQueue.Key] {
    /// Makes `key` present or absent in this sorted list.
    fileprivate mutating func set(_ key: ReadyQueue.Key, present: Bool) {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < key { low = middle + 1 } else { high = middle }
        }
        let found = low < count && self[low] == key
        if present, !found { insert(key, at: low) }
        if !present, found { remove(at: low) }
    }
}
