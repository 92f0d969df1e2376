/// Why the engine cannot start.
package enum EngineError: Error, Equatable, CustomStringConvertible {
    /// `TESSERA_KERNELS` holds a word that names no path.
    case unknownPath(String)
    /// This machine's processor lacks the path's instructions.
    case unavailablePath(KernelPath)
    /// The thread pool could not be made with this many threads.
    case threads(Int)

    package var description: String {
        switch self {
        case .unknownPath(let name):
            let known = KernelPath.allCases.map(\.rawValue).joined(separator: ", ")
            return
                "\(KernelPath.environmentName)=\(name) names no kernel path; use \(known), or unset it."
        case .unavailablePath(let path):
            return "This machine's processor cannot run the \(path) kernels; use \(KernelPath.best), "
                + "or unset \(KernelPath.environmentName)."
        case .threads(let count):
            return "A compute pool of \(count) threads could not be started; ask for 1 to 256 threads."
        }
    }
}
