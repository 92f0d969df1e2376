import Farm
import Foundation

extension BlobRequest {
    var wire: WireBody {
        switch self {
        case .offer(let blob, let bytes):
            var offer = WireBlobOffer()
            offer.blob = blob.digest.data
            offer.size = UInt64(clamping: bytes)
            return .blobOffer(offer)
        case .chunk(let blob, let offset, let bytes):
            var chunk = WireBlobChunk()
            chunk.blob = blob.digest.data
            chunk.offset = UInt64(clamping: offset)
            chunk.content = Data(bytes)
            return .blobChunk(chunk)
        case .read(let blob, let offset, let length):
            var read = WireBlobRead()
            read.blob = blob.digest.data
            read.offset = UInt64(clamping: offset)
            read.length = UInt32(clamping: length)
            return .blobRead(read)
        }
    }

    /// Nil when the body does not ask for a blob.
    init?(_ body: WireBody) throws(CodecError) {
        switch body {
        case .blobOffer(let offer):
            self = .offer(
                BlobID(try Checks.digest(offer.blob, "blob")),
                bytes: try Checks.number(offer.size, "size", in: 0...Int.max))
        case .blobChunk(let chunk):
            guard chunk.content.count <= Limits.chunkBytes else { throw .badField("content") }
            self = .chunk(
                BlobID(try Checks.digest(chunk.blob, "blob")),
                offset: try Checks.number(chunk.offset, "offset", in: 0...Limits.blobBytes),
                bytes: [UInt8](chunk.content))
        case .blobRead(let read):
            self = .read(
                BlobID(try Checks.digest(read.blob, "blob")),
                offset: try Checks.number(read.offset, "offset", in: 0...Limits.blobBytes),
                length: try Checks.number(read.length, "length", in: 0...Limits.chunkBytes))
        default: return nil
        }
    }
}

extension BlobReply {
    var wire: WireBody {
        switch self {
        case .want(let blob, let offset, let length):
            var want = WireBlobWant()
            want.blob = blob.digest.data
            want.offset = UInt64(clamping: offset)
            want.length = UInt32(clamping: length)
            return .blobWant(want)
        case .stored(let blob): return .blobStored(blob.digest.data)
        case .bytes(let blob, let offset, let total, let content):
            var bytes = WireBlobBytes()
            bytes.blob = blob.digest.data
            bytes.offset = UInt64(clamping: offset)
            bytes.total = UInt64(clamping: total)
            bytes.content = Data(content)
            return .blobBytes(bytes)
        case .refused(let blob, let reason):
            var refused = WireBlobRefused()
            refused.blob = blob.digest.data
            refused.reason = reason.wire
            return .blobRefused(refused)
        }
    }

    /// Nil when the body is not an answer about a blob.
    init?(_ body: WireBody) throws(CodecError) {
        switch body {
        case .blobWant(let want):
            self = .want(
                BlobID(try Checks.digest(want.blob, "blob")),
                offset: try Checks.number(want.offset, "offset", in: 0...Limits.blobBytes),
                length: try Checks.number(want.length, "length", in: 0...Limits.chunkBytes))
        case .blobStored(let blob): self = .stored(BlobID(try Checks.digest(blob, "blob")))
        case .blobBytes(let bytes):
            guard bytes.content.count <= Limits.chunkBytes else { throw .badField("content") }
            self = .bytes(
                BlobID(try Checks.digest(bytes.blob, "blob")),
                offset: try Checks.number(bytes.offset, "offset", in: 0...Limits.blobBytes),
                total: try Checks.number(bytes.total, "total", in: 0...Limits.blobBytes),
                bytes: [UInt8](bytes.content))
        case .blobRefused(let refused):
            self = .refused(
                BlobID(try Checks.digest(refused.blob, "blob")), try BlobRefusal(wire: refused.reason))
        default: return nil
        }
    }
}

extension BlobRefusal {
    var wire: WireBlobRefusal {
        switch self {
        case .notFound: .notFound
        case .badSize: .badSize
        case .outOfOrder: .outOfOrder
        case .wrongHash: .wrongHash
        case .diskFull: .diskFull
        case .failed: .failed
        case .busy: .busy
        }
    }

    init(wire: WireBlobRefusal) throws(CodecError) {
        switch wire {
        case .notFound: self = .notFound
        case .badSize: self = .badSize
        case .outOfOrder: self = .outOfOrder
        case .wrongHash: self = .wrongHash
        case .diskFull: self = .diskFull
        case .failed: self = .failed
        case .busy: self = .busy
        case .unknown, .UNRECOGNIZED: throw .badField("reason")
        }
    }
}
