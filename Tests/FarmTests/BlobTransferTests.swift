import Farm
import Testing

@Suite struct BlobTransferTests {
    private let id = BlobID(.zero)
    private let other: BlobID

    init() throws {
        other = BlobID(try #require(Digest(bytes: [UInt8](repeating: 1, count: 32))))
    }

    @Test func downloadAsksChunkByChunk() {
        var download = BlobDownload(id)
        #expect(download.request == .read(id, offset: 0, length: Limits.chunkBytes))
        #expect(download.take(.bytes(id, offset: 0, total: 3, bytes: [1, 2])) == .ask)
        #expect(download.request == .read(id, offset: 2, length: Limits.chunkBytes))
        #expect(download.take(.bytes(id, offset: 0, total: 3, bytes: [1, 2])) == .ignore)
        #expect(download.take(.bytes(other, offset: 2, total: 3, bytes: [9])) == .ignore)
        #expect(download.take(.bytes(id, offset: 2, total: 3, bytes: [3])) == .complete)
        #expect(download.bytes == [1, 2, 3])
    }

    @Test(arguments: [
        BlobReply.bytes(BlobID(.zero), offset: 2, total: 4, bytes: [3]),
        .bytes(BlobID(.zero), offset: 2, total: 3, bytes: [3, 4]),
        .bytes(BlobID(.zero), offset: 2, total: 3, bytes: []),
    ])
    func downloadRefusesLies(reply: BlobReply) {
        var download = BlobDownload(id)
        _ = download.take(.bytes(id, offset: 0, total: 3, bytes: [1, 2]))
        #expect(download.take(reply) == .refused(.badSize))
    }

    @Test func downloadIsBounded() {
        var download = BlobDownload(id)
        let total = Limits.blobBytes + 1
        #expect(download.take(.bytes(id, offset: 0, total: total, bytes: [1])) == .refused(.badSize))
    }

    @Test func uploadSendsWhatIsWanted() {
        let upload = BlobUpload(id, bytes: [1, 2, 3, 4])
        #expect(upload.offer == .offer(id, bytes: 4))
        #expect(upload.take(.want(id, offset: 1, length: 2)) == .send(.chunk(id, offset: 1, bytes: [2, 3])))
        #expect(upload.take(.want(id, offset: 3, length: .max)) == .send(.chunk(id, offset: 3, bytes: [4])))
        #expect(upload.take(.want(other, offset: 0, length: 2)) == .ignore)
        #expect(upload.take(.want(id, offset: 4, length: 1)) == .refused(.outOfOrder))
        #expect(upload.take(.want(id, offset: -1, length: 1)) == .refused(.outOfOrder))
        #expect(upload.take(.stored(id)) == .stored)
        #expect(upload.take(.refused(id, .busy)) == .refused(.busy))
    }
}
