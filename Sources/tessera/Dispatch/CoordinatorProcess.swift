import Foundation

/// A coordinator as the product runs it, in a process of its own, observed from outside.
final class CoordinatorProcess {
    private let process = Process()

    /// Starts `tessera coordinator` of this same program and waits until it listens. It ends with this
    /// process.
    ///
    /// - Throws: `OperationError` when it ends instead.
    init(data: String, listen: String) throws {
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = [
            "coordinator", "--data", data, "--listen", listen, "--quiet", "--stop-with-parent",
        ]
        process.standardInput = Pipe()
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        guard output.fileHandleForReading.availableData.isEmpty else { return }
        process.waitUntilExit()
        throw failure
    }

    /// Fails once it has ended by itself.
    func check() throws {
        guard process.isRunning else { throw failure }
    }

    /// The error for its end. Its own sentence is on standard error already, which both processes share.
    private var failure: OperationError {
        OperationError(
            "The coordinator to measure ended with status \(process.terminationStatus); the lines above say "
                + "why. Its address is given with --listen, its folder with --data.")
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
        guard process.isRunning else { return }
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    deinit { kill() }
}
