package import Farm
internal import Foundation

extension PictureFolder {
    /// The hidden file that says which farm and job the folder's pictures are of. It is written before the
    /// first of them.
    package static let markName = ".tessera-job"

    /// Makes sure that fetching a job overwrites no picture and no manifest of another.
    ///
    /// A folder without pictures and manifest is anybody's; any other is the job's that its mark names.
    ///
    /// - Parameters:
    ///   - job: the job; nil for one that is yet to be submitted.
    ///   - farm: the farm that it is of.
    /// - Throws: `ClientError.folderTaken` or `.folder`.
    package func check(for job: JobID?, of farm: FarmID) throws(ClientError) {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            throw .folder(path: path, reason: "its files cannot be listed")
        }
        guard let file = names.filter(PictureFolder.isOfAJob).min() else { return }
        if let job, mark == FolderMark(farm: farm, job: job) { return }
        throw .folderTaken(path: path, file: file, owner: mark?.owner(seenFrom: farm) ?? "an unknown job")
    }

    /// Marks the folder as a job's and keeps other fetches out until the claim is released.
    ///
    /// - Throws: `ClientError.folderTaken`, `.folderBusy`, `.folder` or `.diskFull`; nothing is overwritten
    ///   then.
    func claim(for job: JobID, of farm: FarmID) throws(ClientError) -> FolderClaim {
        try check(for: job, of: farm)
        let descriptor = open("\(path)/\(PictureFolder.markName)", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        if descriptor < 0 { throw PictureFolder.failure(errno, path) }
        let claim = FolderClaim(descriptor: descriptor)
        // File systems that know no locks let it pass.
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EAGAIN {
            throw .folderBusy(path: path)
        }
        try check(for: job, of: farm)
        let wanted = FolderMark(farm: farm, job: job)
        if mark != wanted, !claim.write(wanted.bytes) { throw PictureFolder.failure(errno, path) }
        return claim
    }

    /// Nil where no fetch has begun, or a fetch ended before its mark was complete.
    private var mark: FolderMark? {
        FileManager.default.contents(atPath: "\(path)/\(PictureFolder.markName)").flatMap {
            FolderMark(text: String(decoding: $0, as: UTF8.self))
        }
    }

    /// Whether a fetch may write a file of this name.
    private static func isOfAJob(_ name: String) -> Bool {
        if name == manifestName { return true }
        let digits = name.utf8.dropLast(4)
        return name.hasSuffix(".png") && digits.count >= 6
            && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}

/// A folder that one fetch has for itself. The kernel releases it when the process dies.
struct FolderClaim: ~Copyable {
    fileprivate let descriptor: Int32

    /// Replaces the mark's bytes; false where it failed, with the reason in `errno`.
    fileprivate func write(_ bytes: [UInt8]) -> Bool {
        let file = descriptor
        return ftruncate(file, 0) == 0 && pwrite(file, bytes, bytes.count, 0) == bytes.count
            && fsync(file) == 0
    }

    /// Lets other fetches in.
    consuming func release() {}

    deinit { close(descriptor) }
}

/// Which job a folder's pictures are of.
private struct FolderMark: Hashable {
    let farm: FarmID
    let job: JobID

    init(farm: FarmID, job: JobID) {
        self.farm = farm
        self.job = job
    }

    /// Nil unless `text` is a whole mark.
    init?(text: String) {
        let words = text.split { $0.isWhitespace }
        guard words.count == 4, words[0] == "farm", words[2] == "job", text.hasSuffix("\n"),
            let farm = UInt64(words[1], radix: 16), let job = Int64(words[3])
        else { return nil }
        self.init(farm: FarmID(farm), job: JobID(job))
    }

    /// A line such as `farm 5f3a job 8`.
    var bytes: [UInt8] { Array("farm \(farm) job \(job)\n".utf8) }

    /// In the middle of a sentence.
    func owner(seenFrom farm: FarmID) -> String {
        farm == self.farm ? "job \(job)" : "job \(job) of another farm"
    }
}
