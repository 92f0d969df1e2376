import Foundation
import Synchronization

/// A subprocess of this same program that is started again whenever it dies, until it is told to stop.
///
/// It may announce on standard output that it is there; one that ends before that is not started again.
/// It gets the flag `--stop-with-parent` and a pipe as standard input, so that it ends with this process.
final class ServiceProcess: Sendable {
    private struct State {
        var process: Process?
        var isStopping = false
        /// Whether it was there once.
        var isReady: Bool
        var failuresRunning = 0
    }

    /// A process that died sooner than this counts as a failed start.
    private static let shortestLife: Duration = .seconds(5)
    private static let failuresAllowed = 5

    private let name: String
    private let arguments: [String]
    private let onReady: (@Sendable () -> Void)?
    private let onGivingUp: @Sendable (Int32) -> Void
    private let state: Mutex<State>

    /// A service that runs `arguments`. `onReady` is called when it has announced itself for the first time;
    /// nil: it never does. `onGivingUp` gets its exit code when it keeps failing at once.
    init(
        name: String, arguments: [String], onReady: (@Sendable () -> Void)? = nil,
        onGivingUp: @escaping @Sendable (Int32) -> Void
    ) {
        self.name = name
        self.arguments = arguments + ["--stop-with-parent"]
        self.onReady = onReady
        self.onGivingUp = onGivingUp
        state = Mutex(State(isReady: onReady == nil))
    }

    /// Starts it (again).
    func start() throws {
        let process = Process()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        process.standardInput = Pipe()
        let output = Pipe()
        if onReady != nil { process.standardOutput = output }
        let born = ContinuousClock.now
        process.terminationHandler = { [weak self] process in
            self?.ended(status: process.terminationStatus, after: ContinuousClock.now - born)
        }
        let isStarted = try state.withLock { state -> Bool in
            guard !state.isStopping else { return false }
            try process.run()
            state.process = process
            return true
        }
        if isStarted, onReady != nil { awaitAnnouncement(output) }
    }

    /// Asks it to end and waits until it did.
    func stop() {
        let process = state.withLock { state in
            state.isStopping = true
            return state.process
        }
        guard let process, process.isRunning else { return }
        process.terminate()
        process.waitUntilExit()
    }

    private func awaitAnnouncement(_ output: Pipe) {
        Thread.detachNewThread { [weak self] in
            guard !output.fileHandleForReading.availableData.isEmpty else { return }
            self?.announced()
        }
    }

    private func announced() {
        let isFirst = state.withLock { state in
            defer { state.isReady = true }
            return !state.isReady
        }
        if isFirst { onReady?() }
    }

    private func ended(status: Int32, after life: Duration) {
        // What fails before it was ever there, as with a taken port, will not mend itself.
        let failures: Int? = state.withLock { state in
            guard !state.isStopping else { return nil }
            state.failuresRunning = life < Self.shortestLife ? state.failuresRunning + 1 : 0
            return state.isReady ? state.failuresRunning : Self.failuresAllowed
        }
        guard let failures else { return }
        guard failures < Self.failuresAllowed, status != ExitStatus.usage.rawValue else {
            return onGivingUp(status)
        }
        Output.remark("\(name) ended with status \(status); starting it again")
        Thread.sleep(forTimeInterval: 0.2 * Double(1 << failures))
        do { try start() } catch { onGivingUp(ExitStatus.failed.rawValue) }
    }
}
