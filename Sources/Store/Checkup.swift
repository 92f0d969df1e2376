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
    /// Files that no result and no determinism alarm names, or whose images and jobs are over.
    package var unneeded: [String] = []
    /// Bytes in the unneeded files.
    package var unneededBytes = 0
    /// Files of uploads that have not ended; they begin again when they are removed.
    package var unfinishedUploads = 0
    /// Images that begin again at an earlier stage because of what is missing or damaged.
    package var imagesToRepeat = 0
    /// What SQLite says about its own file; empty when it is sound.
    package var database: [String] = []

    /// Whether nothing has to be done.
    package var isSound: Bool { missing.isEmpty && damaged.isEmpty && unneeded.isEmpty && database.isEmpty }
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
        guard Files.size(path + "/farm.sqlite") != nil else {
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
        findings.database = try jobs.complaints()
        findings.unfinishedUploads = try Files.names(in: folder.incoming).count
        var known: [BlobID: Bool] = [:]
        var needed: Set<BlobID> = []
        repeats = []
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
        try findUnneeded(besides: needed.union(jobs.alarmBlobs()))
        return findings
    }

    /// Removes damaged and unneeded files and makes ready again what has to be computed anew. Pictures that
    /// are sound are never touched.
    /// - Throws: `StoreError`.
    package mutating func repair() throws(StoreError) {
        for path in findings.damaged + findings.unneeded { unlink(path) }
        try blobs.discardAbandoned(olderThan: 0)
        try jobs.repeatStages(repeats.map { ($0.image, $0.stage) })
    }

    private mutating func isSound(_ blob: BlobID, isNeeded: Bool) throws(StoreError) -> Bool {
        let path = blobs.file(of: blob)
        guard blobs.size(of: blob) != nil else {
            if isNeeded { findings.missing.append(path) }
            return false
        }
        if try blobs.hasRightBytes(blob) { return true }
        findings.damaged.append(path)
        return false
    }

    private mutating func findUnneeded(besides needed: Set<BlobID>) throws(StoreError) {
        let damaged = Set(findings.damaged)
        for shard in try Files.names(in: folder.blobs) {
            for name in try Files.names(in: "\(folder.blobs)/\(shard)") {
                let path = "\(folder.blobs)/\(shard)/\(name)"
                let blob = Digest(hex: shard + name).map(BlobID.init)
                if blob.map(needed.contains) ?? false || damaged.contains(path) { continue }
                findings.unneeded.append(path)
                findings.unneededBytes += Files.size(path) ?? 0
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
