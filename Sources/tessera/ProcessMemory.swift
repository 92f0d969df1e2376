import Foundation

/// This process's memory as the kernel counts it.
enum ProcessMemory {
    /// The most resident memory that the process ever had, in bytes; 0 where the kernel does not tell.
    static var peakBytes: Int {
        var usage = rusage()
        guard getrusage(RUSAGE_SELF.rawValue, &usage) == 0 else { return 0 }
        return usage.ru_maxrss * 1024  // Linux counts in KiB
    }
}
