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
    /// The coordinator has lost pictures of a job; all others were fetched.
    case picturesMissing(job: JobID, [MissingPicture])
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
        case .picturesMissing(let job, let pictures):
            "Job \(job): \(pictures.count) of its pictures could not be fetched: "
                + MissingPicture.list(pictures) + ". The others and the manifest are in the folder. "
                + MissingPicture.remedy + " Then fetch the job again."
        case .messaging(let reason): reason
        }
    }
}

/// A finished picture that the coordinator cannot give as it was made.
package struct MissingPicture: Hashable, Sendable {
    /// Most pictures that a sentence names.
    private static let named = 10

    /// The picture's number, from 1.
    package var image: Int
    /// What is wrong, to stand in the middle of a sentence.
    package var reason: String

    /// Picture `image` (from 1) is missing for `reason`.
    package init(image: Int, reason: String) {
        self.image = image
        self.reason = reason
    }

    /// The first pictures with their reasons, and how many more there are; no full stop.
    package static func list(_ pictures: [MissingPicture]) -> String {
        let list = pictures.prefix(named).map { "\($0.image) (\($0.reason))" }.joined(separator: ", ")
        return pictures.count > named ? "\(list) and \(pictures.count - named) more" : list
    }

    /// What has lost and damaged pictures drawn again.
    package static let remedy =
        "With the coordinator stopped, `tessera doctor --data DIR --repair` on its machine has lost and "
        + "damaged pictures drawn again."
}
