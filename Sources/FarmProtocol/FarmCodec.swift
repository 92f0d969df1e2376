package import Farm
import SwiftProtobuf

/// Messages ↔ bytes. Everything that leaves `decode` is within `Limits`.
///
///     let bytes = try FarmCodec.encode(.report(.heartbeat))
///     let message = try FarmCodec.decode(bytes)
package enum FarmCodec {
    /// The oldest protocol version that this program understands.
    package static let oldestVersion = 1
    /// The newest protocol version that this program understands. Peers agree on one in hello and welcome.
    package static let newestVersion = bundleVersion
    /// The version of the envelope around every message, whatever is in it.
    static let envelopeVersion = 1

    /// The message as bytes. Texts meant for people longer than `Limits.textBytes` end in "…".
    /// - Throws: `CodecError.tooLarge` when the bytes would not pass the socket's limit.
    package static func encode(_ message: FarmMessage) throws(CodecError) -> [UInt8] {
        let bytes: [UInt8]
        if let hot = encodeHot(message) { bytes = hot } else { bytes = try encodeGenerated(message) }
        let limit = message.byteLimit
        guard bytes.count <= limit else { throw CodecError.tooLarge(bytes: bytes.count, limit: limit) }
        return bytes
    }

    /// The message as bytes, by the generated code: what `encodeHot` must equal.
    package static func encodeGenerated(_ message: FarmMessage) throws(CodecError) -> [UInt8] {
        var envelope = WireEnvelope()
        envelope.version = UInt32(envelopeVersion)
        switch message {
        case .report(let report): envelope.body = report.wire
        case .order(let order): envelope.body = order.wire
        case .request(let number, let request):
            envelope.number = number
            envelope.body = request.wire
        case .reply(let number, let reply):
            envelope.number = number
            envelope.body = reply.wire
        case .blobRequest(let request): envelope.body = request.wire
        case .blobReply(let reply): envelope.body = reply.wire
        }
        do {
            return try envelope.serializedBytes()
        } catch {
            throw CodecError.malformed
        }
    }

    /// The message that `bytes` hold, every field checked against `Limits`.
    package static func decode(_ bytes: [UInt8]) throws(CodecError) -> FarmMessage {
        guard bytes.count <= max(Limits.controlMessageBytes, Limits.blobMessageBytes) else {
            throw CodecError.tooLarge(bytes: bytes.count, limit: Limits.controlMessageBytes)
        }
        return try decode(WireReader(bytes))
    }

    static func decode(_ reader: WireReader) throws(CodecError) -> FarmMessage {
        if let message = decodeHot(reader) { return message }
        return try decodeGenerated(reader.content)
    }

    /// The message that `bytes` hold, by the generated code: what `decodeHot` must equal.
    package static func decodeGenerated(_ bytes: [UInt8]) throws(CodecError) -> FarmMessage {
        let envelope: WireEnvelope
        do {
            envelope = try WireEnvelope(serializedBytes: bytes)
        } catch {
            throw CodecError.malformed
        }
        let version = Int(envelope.version)
        guard version == envelopeVersion else {
            throw CodecError.unsupportedVersion(version)
        }
        guard let body = envelope.body else { throw CodecError.unknownMessage }
        if let report = try WorkerReport(body) { return .report(report) }
        if let order = try WorkerOrder(body) { return .order(order) }
        if let request = try ClientRequest(body) { return .request(number: envelope.number, request) }
        if let reply = try ClientReply(body) { return .reply(number: envelope.number, reply) }
        if let request = try BlobRequest(body) { return .blobRequest(request) }
        if let reply = try BlobReply(body) { return .blobReply(reply) }
        throw CodecError.unknownMessage
    }
}

extension FarmMessage {
    /// What its socket allows.
    fileprivate var byteLimit: Int {
        switch self {
        case .blobRequest, .blobReply: Limits.blobMessageBytes
        case .report, .order, .request, .reply: Limits.controlMessageBytes
        }
    }
}

/// What a message's `body` is in the generated code.
typealias WireBody = WireEnvelope.OneOf_Body
