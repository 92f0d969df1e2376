import Farm
import FarmProtocol
import Logging
import ZeroMQ

/// Messages that were dropped since the last report.
struct Drops {
    var malformed = 0
    var refused = 0
    var tooMany = 0

    var total: Int { malformed + refused + tooMany }
}

extension ControlLoop {
    /// Whether the sender's key allows a message; if not it is told why, where it would understand.
    func allows(_ message: FarmMessage, key: CurveKey?, from peer: [UInt8]) -> Bool {
        guard let ring = keys else { return true }
        let text: String
        if let key, let entry = ring.entry(key) {
            guard let objection = entry.objection(to: message) ?? misuse(of: entry, by: message) else {
                return true
            }
            text = objection
        } else {
            text = "Your key is not accepted here any more."
        }
        drops.refused += 1
        switch message {
        case .report: send(.order(.refused(text)), to: peer)
        case .request(let number, _): answer(.refused(Refusal(.invalid, text)), number: number, to: peer)
        case .order, .reply, .blobRequest, .blobReply: break
        }
        return false
    }

    /// A worker's name belongs to the key that said it first, for as long as that worker is known; a client
    /// has a say in its own jobs only.
    private func misuse(of entry: KeyEntry, by message: FarmMessage) -> String? {
        switch message {
        case .report(.hello(let hello)):
            let worker = hello.session.worker
            if let holder = holders[worker], holder != entry.key {
                return
                    "The worker name \"\(worker)\" is used with another key. Give each worker its own name."
            }
            holders[worker] = entry.key
            return nil
        case .request(_, .control(let job, _)) where entry.role == .client:
            guard let owner = machine.status(of: job, at: clock.now)?.owner, owner != entry.name else {
                return nil
            }
            return
                "Job \(job) is \(owner.isEmpty ? "nobody's" : "\(owner)'s"); "
                + "a key for role admin may change it."
        default: return nil
        }
    }

    /// With keys a client's jobs are its own, whatever it says.
    func owned(_ submission: Submission, key: CurveKey?) -> Submission {
        guard let key, let entry = keys?.entry(key), entry.role == .client else { return submission }
        var submission = submission
        submission.owner = entry.name
        return submission
    }

    /// Whether a connection keeps to `Limits.messagesPerSecond`.
    func isWithinRate(_ peer: [UInt8]) -> Bool {
        let count = heard[peer, default: 0] + 1
        heard[peer] = count
        if count <= Limits.messagesPerSecond { return true }
        drops.tooMany += 1
        return false
    }

    /// Once a second: rates begin again, drops are told.
    func lookAtAccess(at now: Instant) {
        guard now >= nextLook else { return }
        nextLook = now.advanced(by: 1000)
        heard.removeAll(keepingCapacity: true)
        guard drops.total > 0 else { return }
        log.warning(
            """
            messages were dropped: \(drops.malformed) malformed, \(drops.refused) not allowed, \
            \(drops.tooMany) beyond \(Limits.messagesPerSecond) a second of one connection
            """)
        drops = Drops()
    }
}
