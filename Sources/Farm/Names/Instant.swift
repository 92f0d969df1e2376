/// A moment on the coordinator's clock, in milliseconds since 1970. Machines get it as an argument and never
/// read a clock.
package struct Instant: Hashable, Comparable, Sendable {
    /// Milliseconds since 1970-01-01 UTC.
    package var milliseconds: Int64

    /// - Parameter milliseconds: milliseconds since 1970-01-01 UTC.
    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// This moment plus `milliseconds`; stays at the last representable moment instead of overflowing.
    package func advanced(by milliseconds: Int64) -> Instant {
        let (sum, overflow) = self.milliseconds.addingReportingOverflow(milliseconds)
        return Instant(milliseconds: overflow ? (milliseconds > 0 ? .max : .min) : sum)
    }

    /// Milliseconds from `earlier` to this moment.
    package func milliseconds(since earlier: Instant) -> Int64 {
        let (difference, overflow) = milliseconds.subtractingReportingOverflow(earlier.milliseconds)
        return overflow ? (milliseconds > earlier.milliseconds ? .max : .min) : difference
    }

    package static func < (left: Instant, right: Instant) -> Bool {
        left.milliseconds < right.milliseconds
    }
}
