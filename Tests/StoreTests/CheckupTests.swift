import Farm
import Foundation
import GRDB
import Store
import Testing

/// A folder with one finished picture, one image on its way and one failed, broken in every way and mended.
@Suite struct CheckupTests {
    private static let model = ModelAnnouncement(
        key: ModelKey(name: "toy", hash: BlobFolder.name(of: [7]).digest), version: "1",
        stages: [
            AnnouncedStage(name: StageName("a"), steps: 2, guidance: nil, size: nil),
            AnnouncedStage(name: StageName("b"), steps: 2, guidance: nil, size: 64),
        ])

    private let temporary: TemporaryFolder
    private let latent: BlobID
    private let picture: BlobID
    private let halfway: BlobID
    private let stale: BlobID

    init() throws {
        temporary = try TemporaryFolder()
        let folder = try DataFolder(path: temporary.path)
        let jobs = try JobStore(folder)
        let blobs = try BlobFolder(folder)
        latent = try blobs.store([1])
        picture = try blobs.store([2])
        halfway = try blobs.store([3])
        stale = try blobs.store([4])
        let job = JobID(1)
        func result(_ index: Int, _ stage: Int, _ blob: BlobID, isLast: Bool = false) -> CoordinatorChange {
            let lease = LeaseID(
                task: TaskID(image: ImageID(job: job, index: index), stage: stage), attempt: stage + 1)
            return .result(
                CommittedResult(
                    result: TaskResult(
                        lease: lease, blob: blob, pixels: isLast ? blob.digest : nil, seconds: 1),
                    stage: Self.model.stages[stage].name, worker: WorkerID("w")))
        }
        func row(_ state: ImageState, _ stage: UInt8) -> ImageRow {
            var row = ImageRow(variant: 0)
            row.state = state
            row.stage = stage
            row.attempt = UInt16(stage)
            return row
        }
        try jobs.commit([
            .model(Self.model), .nextJob(JobID(2)), .job(Self.head(.active)),
            .variant(job, index: 0, RenderOptions(size: 64)),
            .images(job, first: 0, (0..<3).map { NewImage(prompt: "p", seed: $0, variant: 0) }),
            result(0, 0, latent), result(0, 1, picture, isLast: true),
            .image(ImageID(job: job, index: 0), row(.done, 2)),
            result(1, 0, halfway), .image(ImageID(job: job, index: 1), row(.running, 1)),
            result(2, 0, stale), .image(ImageID(job: job, index: 2), row(.failed, 1)),
        ])
    }

    private static func head(_ state: JobState) -> Job.Head {
        let submission = Submission(
            id: SubmissionID(high: 1, low: 1), name: "", owner: "", priority: 0, model: "toy", count: 3)
        return Job.Head(
            id: JobID(1), submission: submission, state: state, model: model.key,
            submitted: Instant(milliseconds: 1), finished: nil, alarms: 0)
    }

    private func path(_ blob: BlobID) -> String {
        "\(temporary.path)/blobs/\(blob.hex.prefix(2))/\(blob.hex.dropFirst(2))"
    }

    private func stages() throws -> [Int] {
        let jobs = try JobStore(DataFolder(path: temporary.path)).load().jobs
        return jobs.flatMap { $0.images.map { Int($0.stage) } }
    }

    @Test func whatNobodyNeedsGoesAndPicturesStay() throws {
        var checkup = try Checkup(path: temporary.path)
        let findings = try checkup.examine()
        #expect(findings.neededBlobs == 2)
        #expect(Set(findings.unneeded) == [path(latent), path(stale)])
        #expect(findings.missing.isEmpty && findings.damaged.isEmpty && findings.database.isEmpty)
        try checkup.repair()
        #expect(try checkup.examine().isSound)
        #expect(FileManager.default.fileExists(atPath: path(picture)))
        #expect(FileManager.default.fileExists(atPath: path(halfway)))
    }

    @Test func whatAnAlarmComparedStays() throws {
        do {
            let folder = try DataFolder(path: temporary.path)
            let other = try BlobFolder(folder).store([5])
            let lease = LeaseID(task: TaskID(image: ImageID(job: JobID(1), index: 0), stage: 0), attempt: 2)
            let late = CommittedResult(
                result: TaskResult(lease: lease, blob: other, pixels: nil, seconds: 1),
                stage: Self.model.stages[0].name, worker: WorkerID("w"))
            try JobStore(folder).commit([.alarm(late, committed: latent.digest)])
        }
        var checkup = try Checkup(path: temporary.path)
        #expect(try checkup.examine().unneeded == [path(stale)])
    }

    @Test func whatIsMissingOrDamagedIsComputedAgain() throws {
        #expect(truncate(path(picture), 0) == 0)
        unlink(path(halfway))
        do {
            var checkup = try Checkup(path: temporary.path)
            let findings = try checkup.examine()
            #expect(findings.damaged == [path(picture)])
            #expect(findings.missing == [path(halfway)])
            #expect(findings.imagesToRepeat == 2)
            try checkup.repair()
        }
        // The picture's stage can begin with the latent that is still there; the other image from nothing.
        #expect(try stages() == [1, 0, 1])
        var again = try Checkup(path: temporary.path)
        let left = try again.examine()
        #expect(left.missing.isEmpty && left.damaged.isEmpty)
        #expect(left.imagesToRepeat == 0)
    }

    @Test func whatNoResultNamesIsSetAsideAndNothingIsRemovedUnderADamagedDatabase() throws {
        let stray = temporary.path + "/blobs/stray"
        try Data([9]).write(to: URL(fileURLWithPath: stray))
        let orphan: BlobID
        do { orphan = try BlobFolder(DataFolder(path: temporary.path)).store([6]) }
        do {
            var checkup = try Checkup(path: temporary.path)
            #expect(try Set(checkup.examine().unknown) == [stray, path(orphan)])
            try checkup.repair()
            #expect(try checkup.examine().isSound)
            let names = try FileManager.default.contentsOfDirectory(atPath: checkup.setAside)
            #expect(Set(names) == ["stray", orphan.hex])
        }
        let file = temporary.path + "/farm.sqlite"
        try DatabaseQueue(path: file).write { try $0.execute(sql: "UPDATE jobs SET state = 99") }
        do {
            var checkup = try Checkup(path: temporary.path)
            let findings = try checkup.examine()
            #expect(findings.database == ["a job's state"])
            #expect(findings.unneeded.isEmpty && findings.unknown.isEmpty)
            try checkup.repair()
        }
        #expect(FileManager.default.fileExists(atPath: path(picture)))
        // Without its database the folder is no new farm's.
        try FileManager.default.removeItem(atPath: file)
        #expect(throws: StoreError.self) { try Checkup(path: temporary.path) }
        #expect(throws: StoreError.self) { try JobStore(DataFolder(path: temporary.path)) }
    }

    @Test func aCancelledJobsPictureIsDrawnAgainToo() throws {
        try JobStore(DataFolder(path: temporary.path)).commit([
            .job(Self.head(.cancelled)),
        ])
        unlink(path(picture))
        do {
            var checkup = try Checkup(path: temporary.path)
            #expect(try checkup.examine().imagesToRepeat == 1)
            try checkup.repair()
        }
        let job = try #require(try JobStore(DataFolder(path: temporary.path)).load().jobs.first)
        #expect(job.head.state == .active)
        #expect(job.images[0].isOpen)
    }

    @Test func rowsThatMeanNothingAreDamageAndNoTrap() throws {
        for damage in ["variant = 5", "losses = 255", "failures = -1"] {
            let path = temporary.path + "/farm.sqlite"
            let before = try DatabaseQueue(path: path).read { database in
                try Row.fetchOne(database, sql: "SELECT * FROM images ORDER BY id LIMIT 1")
            }
            try DatabaseQueue(path: path).write { try $0.execute(sql: "UPDATE images SET \(damage)") }
            #expect(throws: StoreError.self) { try JobStore(DataFolder(path: temporary.path)).load() }
            let column = damage.prefix { $0 != " " }
            try DatabaseQueue(path: path).write { database in
                try database.execute(
                    sql: "UPDATE images SET \(column) = ?", arguments: [before?[String(column)] as Int64?])
            }
        }
        #expect(try JobStore(DataFolder(path: temporary.path)).load().jobs.count == 1)
    }

    @Test func aFolderInUseOrWithoutAFarmIsRefused() throws {
        let folder = try DataFolder(path: temporary.path)
        #expect(throws: StoreError.locked(path: folder.path)) { try Checkup(path: temporary.path) }
        let nowhere = temporary.path + "/nowhere"
        #expect(throws: StoreError.failed(path: nowhere, reason: "it holds no farm.sqlite")) {
            try Checkup(path: nowhere)
        }
    }
}
