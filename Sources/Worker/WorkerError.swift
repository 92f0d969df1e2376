/// Why a worker cannot start, or had to end.
package enum WorkerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The data folder cannot be made or written.
    case folder(path: String, reason: String)
    /// Another worker process uses the data folder.
    case folderInUse(path: String)
    /// A result could not be kept on disk.
    case notKept(path: String, reason: String)
    /// The coordinator cannot use this worker; the sentence is the coordinator's.
    case refused(String)
    /// There is no model to serve.
    case noModels
    /// No stage of any model fits into the memory that the worker may use.
    case tooLittleMemory(bytes: Int, needed: Int)
    /// The messaging thread failed.
    case messaging(String)

    package var description: String {
        switch self {
        case .folder(let path, let reason):
            "The worker's folder \(path) cannot be used: \(reason). Give another with --cache."
        case .folderInUse(let path):
            "Another worker already uses the folder \(path). Give each worker its own with --cache."
        case .notKept(let path, let reason):
            "The worker could not keep its result in \(path): \(reason). Make room there."
        case .refused(let sentence): sentence
        case .noModels: "The worker has no model to serve. Give a model folder with --model."
        case .tooLittleMemory(let bytes, let needed):
            "No stage fits into the \(bytes >> 20) MiB that the worker may use; the smallest needs "
                + "\(needed >> 20) MiB. Give more with --memory."
        case .messaging(let reason): reason
        }
    }
}
