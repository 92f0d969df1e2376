import Farm
import Glibc

/// Wall time at start plus time that passed since, so that a clock set while running moves no lease.
struct FarmClock: Sendable {
    private let wallAtStart: Int64
    private let steadyAtStart: Int64

    init() {
        wallAtStart = FarmClock.milliseconds(CLOCK_REALTIME)
        steadyAtStart = FarmClock.milliseconds(CLOCK_BOOTTIME)
    }

    var now: Instant {
        Instant(milliseconds: wallAtStart + FarmClock.milliseconds(CLOCK_BOOTTIME) - steadyAtStart)
    }

    private static func milliseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
