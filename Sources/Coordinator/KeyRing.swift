import Farm
import Glibc
import Logging
import Synchronization
import ZeroMQ

/// The keys that a coordinator accepts, read again whenever one was added or revoked.
final class KeyRing: Sendable {
    private struct State {
        var version: Int64
        var entries: [CurveKey: KeyEntry]
    }

    private let folder: KeyFolder
    private let log: Logger
    private let state: Mutex<State>

    init(_ folder: KeyFolder, log: Logger) throws(KeyError) {
        self.folder = folder
        self.log = log
        state = Mutex(State(version: 0, entries: KeyRing.byKey(try folder.entries())))
    }

    /// Whose key it is; nil when it is not accepted (any more). A key that was revoked is so for the next
    /// message.
    func entry(_ key: CurveKey) -> KeyEntry? {
        refresh()
        return state.withLock { $0.entries[key] }
    }

    /// Looks whether keys came or went. A file that is not right holds no key; where the whole folder cannot
    /// be read the former keys hold.
    private func refresh() {
        let version = folder.version
        guard state.withLock({ $0.version != version }) else { return }
        do throws(KeyError) {
            let (entries, faults) = try folder.soundEntries()
            for fault in faults { log.error("\(fault) Until then it holds no key.") }
            // The system's stamps are coarse: a change just after this one could bear the same.
            let isSettled = KeyRing.wallNanoseconds - version > 100_000_000
            state.withLock { $0 = State(version: isSettled ? version : 0, entries: KeyRing.byKey(entries)) }
        } catch {
            log.error("\(error) Until then the keys hold that were accepted before.")
            state.withLock { $0.version = version }
        }
    }

    private static var wallNanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private static func byKey(_ entries: [KeyEntry]) -> [CurveKey: KeyEntry] {
        Dictionary(entries.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    }
}

extension KeyEntry {
    /// Why the key's holder may not send this message, for people; nil when it may.
    func objection(to message: FarmMessage) -> String? {
        switch (message, role) {
        case (.report, .worker), (.request, .client), (.request, .admin), (.blobRequest(.read), _),
            (.blobRequest(.offer), .worker), (.blobRequest(.chunk), .worker):
            nil
        case (.report, _):
            "The key \"\(name)\" is a key for role \(role.rawValue); rendering needs one for role worker."
        case (.request, _):
            "The key \"\(name)\" is a key for role \(role.rawValue); jobs need one for role client or admin."
        default: "The key \"\(name)\" does not allow this."
        }
    }
}
