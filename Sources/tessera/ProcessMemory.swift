import Foundation

/// A process's memory as the kernel counts it.
enum ProcessMemory {
    /// The most resident memory that this process ever had, in bytes; 0 where the kernel does not tell.
    ///
    /// `getrusage` would also count what the parent had when it forked.
    static var peakBytes: Int { peakBytes(of: getpid()) }

    /// The same of any process.
    static func peakBytes(of process: pid_t) -> Int {
        let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line.flatMap { Int($0.split(separator: " ").dropLast().last ?? "") }.map { $0 * 1024 } ?? 0
    }

    /// Lets `peakBytes` count from the present on, where the kernel allows it.
    static func forgetPeak() {
        guard let file = fopen("/proc/self/clear_refs", "w") else { return }
        fputs("5", file)
        fclose(file)
    }
}
