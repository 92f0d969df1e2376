/// What the holder of a key may do.
package enum PeerRole: String, CaseIterable, Hashable, Sendable {
    /// Takes tasks and gives results.
    case worker
    /// Submits jobs, looks at all, and stops or restarts its own.
    case client
    /// The same with everybody's jobs.
    case admin
}

/// A key that a coordinator accepts.
package struct KeyEntry: Hashable, Sendable {
    /// Whose it is; a client's name is also the owner of its jobs.
    package var name: String
    /// What its holder may do.
    package var role: PeerRole
    /// The key.
    package var key: CurveKey
}
