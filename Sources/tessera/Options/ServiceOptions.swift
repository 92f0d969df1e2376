import ArgumentParser
import Foundation
import Logging
import Synchronization

/// What the long-running commands share: logging and an orderly end.
struct ServiceOptions: ParsableArguments {
    @Flag(help: "Log only warnings and errors.")
    var quiet = false

    @Flag(help: "Log every message.")
    var verbose = false

    @Flag(help: .hidden)
    var stopWithParent = false

    /// A logger that writes to standard error at the level asked for.
    func logger(label: String) -> Logger {
        var logger = Logger(label: label) { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = quiet ? .warning : verbose ? .debug : .info
        return logger
    }

    /// Tells the process that started this one that the service is there: a line on standard output.
    func announce() {
        if stopWithParent { FileHandle.standardOutput.write(Data("ready\n".utf8)) }
    }

    /// Waits in `join` until the service ended by itself, or `stop` was called for SIGINT, SIGTERM or a
    /// parent that is gone.
    func run(stop: @escaping @Sendable () -> Void, join: () throws -> Void) throws {
        let interrupted = Mutex(false)
        let trap = SignalTrap { number in
            if number == SIGINT { interrupted.withLock { $0 = true } }
            stop()
        }
        if stopWithParent { ParentWatch.onEnd(stop) }
        try withExtendedLifetime(trap) { try join() }
        if interrupted.withLock({ $0 }) { throw ExitStatus.interrupted.code }
    }
}
