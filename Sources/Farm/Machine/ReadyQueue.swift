/// Which (job, stage) pairs have ready tasks, in the order in which they are served: priority, then later
/// stages (so that begun pictures are finished first), then order of submission.
package struct ReadyQueue: Hashable, Sendable {
    /// One pair of job and stage.
    package struct Key: Hashable, Comparable, Sendable {
        /// Higher goes first.
        package var priority: Int
        /// The stage's place in the plan; higher goes first.
        package var stage: Int
        /// Lower goes first.
        package var job: JobID

        package static func < (left: Key, right: Key) -> Bool {
            (-left.priority, -left.stage, left.job) < (-right.priority, -right.stage, right.job)
        }
    }

    /// First to serve first.
    package private(set) var keys: [Key] = []

    /// Makes `key` present or absent.
    mutating func set(_ key: Key, present: Bool) {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        let found = low < keys.count && keys[low] == key
        if present, !found { keys.insert(key, at: low) }
        if !present, found { keys.remove(at: low) }
    }
}
