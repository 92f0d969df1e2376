internal import Glibc

/// Why keys cannot be used. Each case names the file.
package enum KeyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Others on this machine may read it.
    case notPrivate(file: String)
    /// It is not what this program writes.
    case damaged(file: String)
    /// It is there already.
    case exists(file: String)
    /// A holder's key is in that place already.
    case peerExists(folder: String)
    /// The folder is the coordinator's own, where a holder's is meant.
    case notAPeer(folder: String)
    /// The name cannot be a file's.
    case badName(name: String)
    /// There is no key of this name.
    case unknown(name: String)
    /// Reading or writing failed.
    case failed(file: String, reason: String)

    package var description: String {
        switch self {
        case .notPrivate(let file):
            "Others may read \(file). Keys must be yours alone: `chmod -R go-rwx` on their folder."
        case .damaged(let file): "\(file) does not hold keys as `tessera keys` writes them. Make new ones."
        case .exists(let file):
            "\(file) is there already; nothing was changed. Choose another name or folder."
        case .peerExists(let folder):
            "A key is in \(folder) already; nothing was changed. "
                + "Delete that folder if the key was revoked, or give another with --out."
        case .notAPeer(let folder):
            "\(folder) holds the coordinator's own keys. Commands and workers take a holder's, "
                + "such as \(folder)/peers/admin; `tessera keys list \(folder)` shows the names."
        case .badName(let name):
            "\"\(name)\" cannot name a key: use up to 64 letters, digits, \"-\", \"_\" and \".\"."
        case .unknown(let name):
            "There is no key named \"\(name)\". `tessera keys list` shows those there are."
        case .failed(let file, let reason):
            "The keys in \(file) cannot be used: \(reason). Make them with `tessera keys init`."
        }
    }

    static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}
