internal import Glibc

/// What a worker or a client needs to reach a coordinator: its own keys and the coordinator's public one, in
/// the file `peer.key` of a folder of its own.
package struct PeerKeys: Hashable, Sendable {
    /// Its own keys.
    package let pair: CurveKeyPair
    /// The coordinator's key.
    package let coordinator: CurveKey

    init(pair: CurveKeyPair, coordinator: CurveKey) {
        self.pair = pair
        self.coordinator = coordinator
    }

    /// Reads a folder that `KeyFolder.add` has written.
    /// - Throws: `KeyError`.
    package init(folder: String) throws(KeyError) {
        let file = folder + "/peer.key"
        guard access(file, F_OK) == 0 || access(KeyFolder.secret(in: folder), F_OK) != 0 else {
            throw .notAPeer(folder: folder)
        }
        let lines = try KeyFile.read(file, in: folder)
        guard lines.count == 2, let coordinator = CurveKey(lines[0]),
            let pair = CurveKeyPair(secret: lines[1])
        else { throw .damaged(file: file) }
        self.init(pair: pair, coordinator: coordinator)
    }

    /// How a socket uses them.
    package var side: CurveSide { .client(pair, server: coordinator) }

    func write(to folder: String) throws(KeyError) {
        let file = folder + "/peer.key"
        guard access(file, F_OK) != 0 else { throw .peerExists(folder: folder) }
        try KeyFile.makeFolder(folder)
        try KeyFile.write([coordinator.text, pair.secret], to: file)
    }
}
