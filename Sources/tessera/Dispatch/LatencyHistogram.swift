/// Counts durations in buckets that grow by 2 %, so that any number of them takes the same memory.
struct LatencyHistogram: Sendable {
    private static let growth = 1.02
    /// The first bucket ends here, in milliseconds.
    private static let least = 0.01
    private var counts = [Int](repeating: 0, count: 1024)
    private(set) var total = 0

    /// Counts one duration.
    mutating func note(milliseconds: Double) {
        let place = LatencyHistogram.log(milliseconds / LatencyHistogram.least)
        counts[min(max(0, place), counts.count - 1)] += 1
        total += 1
    }

    /// The duration in milliseconds that the share `quantile` (0…1) does not exceed; 0 without any.
    func quantile(_ quantile: Double) -> Double {
        var left = Int((Double(total) * quantile).rounded(.up))
        for (place, count) in counts.enumerated() where count > 0 {
            left -= count
            if left <= 0 { return LatencyHistogram.least * LatencyHistogram.power(place) }
        }
        return 0
    }

    private static let powers: [Double] = (0..<1024).reduce(into: []) { list, _ in
        list.append((list.last ?? 1 / growth) * growth)
    }

    private static func power(_ place: Int) -> Double { powers[place] }

    private static func log(_ ratio: Double) -> Int {
        var low = 0
        var high = powers.count
        while low < high {
            let middle = (low + high) / 2
            if powers[middle] < ratio { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
