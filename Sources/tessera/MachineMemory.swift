import Foundation

/// What this process could use at most.
enum MachineMemory {
    /// Bytes: the machine's memory, or its control group's limit where that is less.
    static var bytes: Int {
        let limit = try? String(contentsOfFile: "/sys/fs/cgroup/memory.max", encoding: .utf8)
        let group = limit.flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) } ?? .max
        return min(group, Int(clamping: ProcessInfo.processInfo.physicalMemory))
    }
}
