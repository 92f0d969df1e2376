internal import Glibc

/// A coordinator's keys: its own secret in `coordinator.secret` and a file in `authorized/` for each key that
/// it accepts. All folders are 0700 and all files 0600; anything wider is refused.
///
///     let keys = try KeyFolder.make(path: "keys")
///     try keys.add("box-2", role: .worker, into: "keys/peers/box-2")
package struct KeyFolder: Sendable {
    /// Where it is.
    package let path: String
    /// The coordinator's own keys.
    package let pair: CurveKeyPair

    /// The folder of keys that are accepted.
    package var authorized: String { path + "/authorized" }

    /// Opens a folder that `make` has made.
    /// - Throws: `KeyError`.
    package init(path: String) throws(KeyError) {
        let file = KeyFolder.secret(in: path)
        let text = try KeyFile.read(file, in: path)
        guard text.count == 1, let pair = CurveKeyPair(secret: text[0]) else { throw .damaged(file: file) }
        self.init(path: path, pair: pair)
    }

    private init(path: String, pair: CurveKeyPair) {
        self.path = path
        self.pair = pair
    }

    /// Makes a folder with new keys for a coordinator that accepts nobody yet.
    /// - Throws: `KeyError.exists` when there are keys already; they stay as they are.
    package static func make(path: String) throws(KeyError) -> KeyFolder {
        let file = secret(in: path)
        guard access(file, F_OK) != 0 else { throw .exists(file: file) }
        let pair = try CurveKeyPair.fresh()
        try KeyFile.makeFolder(path)
        try KeyFile.makeFolder(path + "/authorized")
        try KeyFile.write([pair.secret], to: file)
        return KeyFolder(path: path, pair: pair)
    }

    /// Accepts a new key and writes what its holder needs into the folder `peer`.
    /// - Throws: `KeyError.exists` when the name is taken, `.peerExists` when the folder is.
    package func add(_ name: String, role: PeerRole, into peer: String) throws(KeyError) {
        let file = try self.file(of: name)
        guard access(file, F_OK) != 0 else { throw .exists(file: file) }
        let pair = try CurveKeyPair.fresh()
        try PeerKeys(pair: pair, coordinator: self.pair.key).write(to: peer)
        try KeyFile.write([role.rawValue, pair.key.text], to: file)
    }

    /// Accepts a key no longer; its connections end with the next message.
    /// - Throws: `KeyError.unknown` when there is none of this name.
    package func revoke(_ name: String) throws(KeyError) {
        let file = try self.file(of: name)
        guard unlink(file) == 0 else {
            throw errno == ENOENT ? .unknown(name: name) : .failed(file: file, reason: KeyError.reason(errno))
        }
    }

    /// The keys that are accepted, by name.
    /// - Throws: `KeyError`, which names the file that is not right.
    package func entries() throws(KeyError) -> [KeyEntry] {
        let (entries, faults) = try soundEntries()
        if let fault = faults.first { throw fault }
        return entries
    }

    /// The keys of the files that are right, by name, and what is wrong with the others.
    /// - Throws: `KeyError` when the folder cannot be read.
    package func soundEntries() throws(KeyError) -> (entries: [KeyEntry], faults: [KeyError]) {
        var (entries, faults): ([KeyEntry], [KeyError]) = ([], [])
        for name in try KeyFile.names(in: authorized) where !name.hasPrefix(".") {
            do throws(KeyError) {
                entries.append(try entry(name))
            } catch {
                faults.append(error)
            }
        }
        return (entries, faults)
    }

    private func entry(_ name: String) throws(KeyError) -> KeyEntry {
        let file = authorized + "/" + name
        let lines = try KeyFile.read(file, in: authorized)
        guard lines.count == 2, let role = PeerRole(rawValue: lines[0]), let key = CurveKey(lines[1]) else {
            throw .damaged(file: file)
        }
        return KeyEntry(name: name, role: role, key: key)
    }

    /// The file of the coordinator's own secret in its folder of keys.
    static func secret(in path: String) -> String { path + "/coordinator.secret" }

    /// Changes when a key was added or revoked.
    package var version: Int64 { KeyFile.changeTime(of: authorized) }

    private func file(of name: String) throws(KeyError) -> String {
        let allowed = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard allowed, !name.isEmpty, !name.hasPrefix("."), name.utf8.count <= 64 else {
            throw .badName(name: name)
        }
        return authorized + "/" + name
    }
}

extension CurveKeyPair {
    fileprivate static func fresh() throws(KeyError) -> CurveKeyPair {
        do throws(ZeroMQError) {
            return try make()
        } catch {
            throw .failed(file: "new keys", reason: error.description)
        }
    }
}
