import Dispatch
import Foundation

/// Turns signals, SIGINT and SIGTERM if nothing else is said, into a call, so that a service can stop in
/// order.
///
/// It is `@unchecked Sendable` because Dispatch's sources are not marked: they are made once and their
/// `cancel` is safe from any thread.
final class SignalTrap: @unchecked Sendable {
    private let sources: [any DispatchSourceSignal]

    /// From now on `handler` is called with the signal's number, on a queue of its own.
    init(_ numbers: [Int32] = [SIGINT, SIGTERM], _ handler: @escaping @Sendable (Int32) -> Void) {
        sources = numbers.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { handler(number) }
            source.resume()
            return source
        }
    }

    deinit { sources.forEach { $0.cancel() } }
}

/// Stops a service of `tessera up` when `up` itself is gone, however it died: it held the other end of the
/// pipe.
enum ParentWatch {
    /// Calls `handler` once standard input ends.
    static func onEnd(_ handler: @escaping @Sendable () -> Void) {
        Thread.detachNewThread {
            while !FileHandle.standardInput.availableData.isEmpty {}
            handler()
        }
    }
}
