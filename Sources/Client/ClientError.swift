package import Farm

/// Why a client's call failed.
package enum ClientError: Error, Hashable, Sendable {
    /// Nobody answers at the endpoint.
    case coordinatorNotReachable(endpoint: String)
    /// Nobody answers at the endpoint, or not to this key: the library does not tell which.
    case keyNotAccepted(endpoint: String)
    /// The coordinator says no; the sentence is the coordinator's.
    case refused(Refusal)
    /// The coordinator answered something else than was asked.
    case unexpectedAnswer(endpoint: String)
    /// The prompt file changed while it was sent.
    case prompts(PromptFileError)
    /// The user stopped it.
    case interrupted
    /// Pictures cannot be written into the folder.
    case folder(path: String, reason: String)
    /// The folder holds a file of another job.
    case folderTaken(path: String, file: String, owner: String)
    /// Another process fetches into the folder.
    case folderBusy(path: String)
    /// The disk of the folder is full.
    case diskFull(path: String)
    /// A picture's bytes cannot be had.
    case pictureMissing(image: Int, reason: String)
    /// The messaging library failed.
    case messaging(String)
}

extension ClientError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .coordinatorNotReachable(let endpoint):
            "No coordinator answers at \(endpoint). Start one with `tessera up`, or give --connect; "
                + "one that other machines reach wants --keys too."
        case .keyNotAccepted(let endpoint):
            "No coordinator answers at \(endpoint), or it does not accept this key. "
                + "Is it running, and is the key in its `tessera keys list`?"
        case .refused(let refusal): refusal.message
        case .unexpectedAnswer(let endpoint):
            "What answers at \(endpoint) does not speak this protocol; use the same release on all machines."
        case .prompts(let error): error.description
        case .interrupted: "Interrupted."
        case .folder(let path, let reason):
            "The output folder \(path) cannot be written: \(reason). Choose another with --out."
        case .folderTaken(let path, let file, let owner):
            "The output folder \(path) holds \(file) of \(owner), and fetching could overwrite it. "
                + "Choose another with --out."
        case .folderBusy(let path):
            "Another `tessera` fetches into the output folder \(path). "
                + "Wait until it is done, or choose another with --out."
        case .diskFull(let path):
            "The disk of \(path) is full. Make room and fetch the job again; nothing is lost."
        case .pictureMissing(let image, let reason):
            "Picture \(image) could not be fetched: \(reason). Fetch the job again."
        case .messaging(let reason): reason
        }
    }
}
