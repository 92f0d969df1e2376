import Foundation

/// A coordinator as the product runs it, in a process of its own, observed from outside.
final class CoordinatorProcess {
    private let process = Process()

    /// Starts `tessera coordinator` of this same program. It ends with this process.
    init(data: String, listen: String) throws {
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = [
            "coordinator", "--data", data, "--listen", listen, "--quiet", "--stop-with-parent",
        ]
        process.standardInput = Pipe()
        try process.run()
    }

    /// Seconds of processor time that it has used, by the kernel's count.
    var processorSeconds: Double {
        let stat =
            (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8)) ?? ""
        // The second field, the program's name in brackets, may hold blanks; user and system time are the
        // 14th and 15th.
        let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
            return 0
        }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// The most resident memory that it ever had, in bytes.
    var peakBytes: Int { ProcessMemory.peakBytes(of: process.processIdentifier) }

    /// Ends it at once, as a power cut would.
    func kill() {
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Asks it to end and waits until it did.
    func stop() {
        process.terminate()
        process.waitUntilExit()
    }

    deinit { if process.isRunning { kill() } }
}
