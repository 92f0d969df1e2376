/// A set of small integers in three levels of bits: the least member of a million is found in three steps,
/// and equal sets are equal bits.
package struct ReadySet: Hashable, Sendable {
    private var levels: [[UInt64]]
    /// How many members it has.
    package private(set) var count = 0

    /// An empty set for members 0 ..< `capacity`.
    package init(capacity: Int) {
        levels = []
        var size = max(capacity, 1)
        repeat {
            size = (size + 63) / 64
            levels.append([UInt64](repeating: 0, count: size))
        } while size > 1
    }

    /// Whether it has no member.
    package var isEmpty: Bool { count == 0 }

    /// Whether `member` is in it.
    package func contains(_ member: Int) -> Bool {
        member >= 0 && member / 64 < levels[0].count && levels[0][member / 64] & bit(member) != 0
    }

    /// Adds `member`; outside the capacity it does nothing.
    package mutating func insert(_ member: Int) {
        guard member >= 0, member / 64 < levels[0].count, !contains(member) else { return }
        count += 1
        var place = member
        for level in levels.indices {
            levels[level][place / 64] |= bit(place)
            place /= 64
        }
    }

    /// Removes `member` if it is there.
    package mutating func remove(_ member: Int) {
        guard contains(member) else { return }
        count -= 1
        var place = member
        for level in levels.indices {
            levels[level][place / 64] &= ~bit(place)
            guard levels[level][place / 64] == 0 else { return }
            place /= 64
        }
    }

    /// The least member not below `start`; nil when there is none.
    package func first(from start: Int = 0) -> Int? {
        var place = max(start, 0)
        var level = 0
        while level < levels.count {
            let word = place / 64
            guard word < levels[level].count else { return nil }
            let rest = levels[level][word] & (~0 << UInt64(place % 64))
            if rest != 0 {
                return descend(to: word * 64 + rest.trailingZeroBitCount, from: level)
            }
            place = word + 1
            level += 1
        }
        return nil
    }

    private func descend(to found: Int, from level: Int) -> Int {
        var place = found
        for lower in levels[..<level].reversed() {
            place = place * 64 + lower[place].trailingZeroBitCount
        }
        return place
    }

    private func bit(_ place: Int) -> UInt64 { 1 << UInt64(place % 64) }
}
