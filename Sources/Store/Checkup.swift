import Farm
import Foundation
import GRDB

/// What is wrong in a data folder, and how much of it.
package struct Findings: Hashable, Sendable, Encodable {
    /// Blobs that results name, pictures and what open images still need.
    package var neededBlobs = 0
    /// Of those: files that are not there.
    package var missing: [String] = []
    /// Of those: files whose bytes are not what their name says.
    package var damaged: [String] = []
    /// Files whose images and jobs are over.
    package var unneeded: [String] = []
    /// Bytes in the unneeded files.
    package var unneededBytes = 0
    /// Files that no result and no determinism alarm names.
    package var unknown: [String] = []
    /// Files of uploads that have not ended; they begin again when they are removed.
    package var unfinishedUploads = 0
    /// Images that begin again at an earlier stage because of what is missing or damaged.
    package var imagesToRepeat = 0
    /// What SQLite says about its own file, or what a coordinator could not read in it; empty when it is
    /// sound. Where it is not, nothing can be said about the files.
    package var database: [String] = []

    /// Whether nothing has to be done.
    package var isSound: Bool {
        missing.isEmpty && damaged.isEmpty && unneeded.isEmpty && unknown.isEmpty && database.isEmpty
    }
}

/// Looks through a coordinator's folder while no coordinator uses it, and mends it where it is asked to.
///
///     var checkup = try Checkup(path: "farm")
///     let findings = try checkup.examine()
///     try checkup.repair()
package struct Checkup {
    private struct Repeat {
        var image: ImageID
        var stage: Int
    }

    private let folder: DataFolder
    private let jobs: JobStore
    private let blobs: BlobFolder
    private var findings = Findings()
    private var repeats: [Repeat] = []

    /// Opens and locks the folder.
    /// - Throws: `StoreError.locked` when a coordinator uses it, and others.
    package init(path: String) throws(StoreError) {
        guard Files.size(path + "/farm.sqlite") ?? 0 > 0 else {
            throw .failed(path: path, reason: "it holds no farm.sqlite")
        }
        folder = try DataFolder(path: path)
        jobs = try JobStore(folder)
        blobs = try BlobFolder(folder)
    }

    /// Reads every result's row and every needed blob's bytes.
    /// - Throws: `StoreError`.
    package mutating func examine() throws(StoreError) -> Findings {
        findings = Findings()
        repeats = []
        findings.database = try databaseFaults()
        guard findings.database.isEmpty else { return findings }
        findings.unfinishedUploads = try Files.names(in: folder.incoming).count
        var known: [BlobID: Bool] = [:]
        var needed: Set<BlobID> = []
        let images = try jobs.keptStages()
        for image in images {
            for (place, blob) in image.blobs.enumerated() where image.needs(place) { needed.insert(blob) }
        }
        for image in images {
            var stages: [Bool] = []
            for blob in image.blobs {
                if known[blob] == nil { known[blob] = try isSound(blob, isNeeded: needed.contains(blob)) }
                stages.append(known[blob] ?? false)
            }
            if let stage = image.firstStageToRepeat(stages) {
                repeats.append(Repeat(image: image.id, stage: stage))
                if stage > 0 { needed.insert(image.blobs[stage - 1]) }
            }
        }
        findings.neededBlobs = needed.count
        findings.imagesToRepeat = repeats.count
        try findUnneeded(besides: needed.union(jobs.alarmBlobs()), known: Set(known.keys))
        return findings
    }

    /// Removes what is not needed, puts what is damaged or unknown into the folder `set-aside`, and makes
    /// ready again what has to be computed anew. A database that is not sound is left alone, with every file.
    /// - Throws: `StoreError`.
    package mutating func repair() throws(StoreError) {
        guard findings.database.isEmpty else { return }
        for path in findings.unneeded { unlink(path) }
        if !(findings.damaged + findings.unknown).isEmpty { try Files.makeFolder(setAside) }
        for path in findings.damaged + findings.unknown {
            let name = path.dropFirst(folder.blobs.count + 1).replacing("/", with: "")
            guard rename(path, "\(setAside)/\(name)") == 0 else { throw .system(path, errno) }
        }
        try blobs.discardAbandoned(olderThan: 0)
        try jobs.repeatStages(repeats.map { ($0.image, $0.stage) })
    }

    /// Where `repair` puts what it does not know.
    package var setAside: String { "\(folder.path)/set-aside" }

    /// What SQLite finds, or what a coordinator could not start with.
    private func databaseFaults() throws(StoreError) -> [String] {
        let complaints = try jobs.complaints()
        guard complaints.isEmpty else { return complaints }
        do throws(StoreError) {
            _ = try jobs.farm()
            _ = try jobs.load()
            return []
        } catch {
            switch error {
            case .damaged(_, let reason), .failed(_, let reason): return [reason]
            case .notWritable, .locked, .newer, .diskFull: throw error
            }
        }
    }

    private mutating func isSound(_ blob: BlobID, isNeeded: Bool) throws(StoreError) -> Bool {
        let path = blobs.file(of: blob)
        guard blobs.size(of: blob) != nil else {
            if isNeeded { findings.missing.append(path) }
            return false
        }
        do throws(StoreError) {
            if try blobs.hasRightBytes(blob) { return true }
        } catch {
            // A folder in its place, or sectors that cannot be read.
        }
        findings.damaged.append(path)
        return false
    }

    /// Sorts the other files: those of `known` results have served, the rest nobody has heard of.
    private mutating func findUnneeded(besides needed: Set<BlobID>, known: Set<BlobID>) throws(StoreError) {
        let damaged = Set(findings.damaged)
        for shard in try Files.names(in: folder.blobs) {
            let place = "\(folder.blobs)/\(shard)"
            guard Files.isFolder(place) else {
                findings.unknown.append(place)
                continue
            }
            for name in try Files.names(in: place) {
                let path = "\(place)/\(name)"
                let blob = Digest(hex: shard + name).map(BlobID.init)
                if blob.map(needed.contains) ?? false || damaged.contains(path) { continue }
                if blob.map(known.contains) ?? false {
                    findings.unneeded.append(path)
                    findings.unneededBytes += Files.size(path) ?? 0
                } else {
                    findings.unknown.append(path)
                }
            }
        }
    }
}

/// An image's committed stages, as far as their blobs matter.
struct KeptStages {
    var id: ImageID
    var state: ImageState
    /// Stages done.
    var stage: Int
    /// Whether its job may still go on.
    var isJobOpen: Bool
    /// Blobs by stage, from 0.
    var blobs: [BlobID] = []
    /// Whether the last of them is a picture.
    var hasPicture = false

    /// Whether the blob of a stage has to be there: a finished picture, or what the next stage begins with.
    func needs(_ place: Int) -> Bool {
        switch state {
        case .done: hasPicture && place == blobs.count - 1
        case .waiting, .running: isJobOpen && place == stage - 1
        case .failed, .cancelled: false
        }
    }

    /// Where it has to begin again, given which blobs are sound; nil when it need not.
    func firstStageToRepeat(_ sound: [Bool]) -> Int? {
        guard let broken = blobs.indices.first(where: { needs($0) && !sound[$0] }) else { return nil }
        // A stage can begin where the one before it is there.
        return (0...broken).last { $0 == 0 || sound[$0 - 1] }
    }
}
