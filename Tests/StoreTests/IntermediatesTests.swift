import Farm
import Foundation
import Store
import Testing

/// Which blobs may go when images end: those of stages that no open image keeps, never a picture.
@Suite struct IntermediatesTests {
    private let store: JobStore
    private let temporary: TemporaryFolder

    init() throws {
        temporary = try TemporaryFolder()
        store = try JobStore(DataFolder(path: temporary.path))
    }

    private static func blob(_ byte: UInt8) -> BlobID { BlobFolder.name(of: [byte]) }

    private func image(_ job: Int64, _ index: Int) -> ImageID { ImageID(job: JobID(job), index: index) }

    private func result(_ image: ImageID, _ stage: Int, _ byte: UInt8, isLast: Bool = false)
        -> CoordinatorChange
    {
        let blob = Self.blob(byte)
        let lease = LeaseID(task: TaskID(image: image, stage: stage), attempt: stage + 1)
        let result = TaskResult(lease: lease, blob: blob, pixels: isLast ? blob.digest : nil, seconds: 1)
        return .result(CommittedResult(result: result, stage: StageName("s"), worker: WorkerID("w")))
    }

    private func row(_ image: ImageID, _ state: ImageState, _ stage: UInt8) -> CoordinatorChange {
        var row = ImageRow(variant: 0)
        row.state = state
        row.stage = stage
        return .image(image, row)
    }

    private func images(_ job: Int64, _ count: UInt64) -> CoordinatorChange {
        .images(JobID(job), first: 0, (0..<count).map { NewImage(prompt: "p", seed: $0, variant: 0) })
    }

    /// Commits `changes` and gives what may go then.
    private func gone(_ changes: CoordinatorChange...) throws -> Set<BlobID> {
        try store.commit(changes)
        return Set(try store.disposable(after: changes))
    }

    @Test(arguments: [ImageState.done, .failed, .cancelled])
    func whatAnEndedImageHadDoneGoesUnlessAnOpenOneHasIt(state: ImageState) throws {
        let (ended, open) = (image(1, 0), image(2, 0))
        try store.commit([
            images(1, 1), images(2, 1), result(ended, 0, 1), result(ended, 1, 2), row(ended, .running, 2),
            result(open, 0, 1), row(open, .running, 1),
        ])
        if state == .done { try store.commit([result(ended, 2, 3, isLast: true)]) }
        #expect(try gone(row(ended, state, state == .done ? 3 : 2)) == [Self.blob(2)])
        #expect(try gone(row(open, .failed, 1)) == [Self.blob(1)])
    }

    /// Both sides of a determinism alarm are evidence.
    @Test func whatAnAlarmComparedStays() throws {
        let ended = image(1, 0)
        let lease = LeaseID(task: TaskID(image: ended, stage: 0), attempt: 2)
        let late = CommittedResult(
            result: TaskResult(lease: lease, blob: Self.blob(9), pixels: nil, seconds: 1),
            stage: StageName("s"), worker: WorkerID("w"))
        try store.commit([
            images(1, 1), result(ended, 0, 1), result(ended, 1, 2), row(ended, .running, 2),
            .alarm(late, committed: Self.blob(1).digest),
        ])
        #expect(try gone(row(ended, .failed, 2)) == [Self.blob(2)])
    }

    @Test func aCancelledJobKeepsItsPicturesOnly() throws {
        let (done, begun) = (image(1, 0), image(1, 1))
        let neighbour = image(2, 0)
        try store.commit([
            images(1, 3), images(2, 1), result(done, 0, 1), result(done, 1, 2, isLast: true),
            row(done, .done, 2), result(begun, 0, 3), row(begun, .running, 1), result(neighbour, 0, 4),
            row(neighbour, .running, 1),
        ])
        #expect(try gone(.imagesCancelled(JobID(1))) == [Self.blob(1), Self.blob(3)])
        // A blob that is one image's stage and another's picture is a picture.
        try store.commit([result(neighbour, 1, 4, isLast: true)])
        #expect(try gone(row(neighbour, .done, 2)) == [])
    }

    @Test func aRetriedImageBeginsAtItsFirstStage() throws {
        let failed = image(1, 0)
        try store.commit([
            .job(
                Job.Head(
                    id: JobID(1),
                    submission: Submission(
                        id: SubmissionID(high: 1, low: 1), name: "", owner: "", priority: 0, model: "m",
                        count: 1), state: .finished, model: nil, submitted: Instant(milliseconds: 1),
                    finished: nil, alarms: 0)),
            .variant(JobID(1), index: 0, RenderOptions(size: 64)), images(1, 1), result(failed, 0, 1),
            row(failed, .failed, 1), .imagesReopened(JobID(1), exceptVariants: []),
        ])
        #expect(try store.load().jobs.first?.images == [ImageRow(variant: 0)])
    }
}
