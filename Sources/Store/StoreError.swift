import Glibc

/// Why the data folder cannot be used. Each case names the file or folder.
package enum StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The folder cannot be made or written to.
    case notWritable(path: String, reason: String)
    /// Another coordinator uses the folder.
    case locked(path: String)
    /// A newer release of the program wrote the folder.
    case newer(path: String)
    /// The disk is full.
    case diskFull(path: String)
    /// The file is not what this program wrote.
    case damaged(path: String, reason: String)
    /// Reading or writing failed.
    case failed(path: String, reason: String)

    package var description: String {
        switch self {
        case .notWritable(let path, let reason):
            "The data folder \(path) cannot be written: \(reason). "
                + "Give another with --data, or mend its permissions."
        case .locked(let path):
            "The data folder \(path) is in use by another coordinator. "
                + "Stop that one, or give another with --data."
        case .newer(let path):
            "The data folder \(path) was written by a newer release of tessera. "
                + "Use that release or a newer one."
        case .diskFull(let path):
            "The disk that holds \(path) is full. Nothing committed is lost; make space and work goes on."
        case .damaged(let path, let reason):
            "The file \(path) is damaged: \(reason). "
                + "Restore it from a backup, or begin with an empty data folder."
        case .failed(let path, let reason): "The file \(path) could not be used: \(reason)."
        }
    }

    /// What a failed system call on `path` means.
    static func system(_ path: String, _ code: Int32) -> StoreError {
        let reason = String(cString: strerror(code))
        switch code {
        case ENOSPC, EDQUOT: return .diskFull(path: path)
        case EACCES, EPERM, EROFS: return .notWritable(path: path, reason: reason)
        default: return .failed(path: path, reason: reason)
        }
    }
}
