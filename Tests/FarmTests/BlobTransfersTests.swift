import Farm
import Testing

/// A worker's blobs on their way, answer by answer.
struct BlobTransfersTests {
    private static let image = ImageID(job: JobID(1), index: 0)
    private static let lease = LeaseID(task: TaskID(image: image, stage: 1), attempt: 2)
    /// A blob's name is its first byte here.
    private static func name(_ bytes: [UInt8]) -> BlobID { BlobID(Fixtures.digest(bytes.first ?? 0)) }

    private let blob = name([7, 8])
    private let now = Instant(milliseconds: 0)
    private var transfers = BlobTransfers()

    init() {
        transfers.fetch(Self.lease, blob, at: now)
        _ = transfers.tick(at: now)
    }

    private mutating func take(_ reply: BlobReply) -> BlobTransfers.Outcome {
        transfers.take(reply, at: now, name: Self.name)
    }

    private func bytes(_ offset: Int, _ bytes: [UInt8]) -> BlobReply {
        .bytes(blob, offset: offset, total: 2, bytes: bytes)
    }

    @Test mutating func anInputComesInParts() {
        guard case .read(blob, offset: 1, length: _) = take(bytes(0, [7])).request else {
            Issue.record("It does not ask for the rest.")
            return
        }
        #expect(take(bytes(1, [8])).event == .inputReady(Self.lease))
        #expect(transfers.takeInput(Self.lease) == [7, 8])
    }

    @Test mutating func whatTheCoordinatorDoesNotHaveEndsTheTask() {
        let event = take(.refused(blob, .notFound)).event
        guard case .inputFailed(Self.lease, .inputMissing, _) = event else {
            Issue.record("\(String(describing: event))")
            return
        }
    }

    /// The worker uploaded the same blob a moment ago, and an answer to that came twice.
    @Test mutating func aLateAnswerToTheUploadIsNoneToTheDownload() {
        #expect(take(.refused(blob, .wrongHash)).event == nil)
        #expect(take(.stored(blob)).event == nil)
        _ = take(bytes(0, [7]))
        #expect(take(bytes(1, [8])).event == .inputReady(Self.lease))
    }
}
