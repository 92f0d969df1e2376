package import Farm

/// Several messages to one peer as one message of the socket, which costs both ends little more than one
/// alone: so cheap tasks and their results travel.
extension FarmCodec {
    /// The first protocol version whose peers understand bundles.
    package static let bundleVersion = 2

    /// One message of the socket.
    package struct Packed: Hashable, Sendable {
        /// What travels.
        package var bytes: [UInt8]
        /// How many messages it holds.
        package var count: Int
    }

    /// Numbers in farm.proto.
    private enum Field {
        static let version = 1
        static let bundle = 90
        static let message = 1
    }

    /// Messages in their order, bundled where the peer's protocol version allows it.
    /// - Throws: `CodecError.tooLarge` when one of them would not pass the socket's limit.
    package static func pack(_ messages: [FarmMessage], version: Int) throws(CodecError) -> [Packed] {
        var packed: [Packed] = []
        var open: [[UInt8]] = []
        var openBytes = 0
        func close() {
            guard let first = open.first else { return }
            packed.append(Packed(bytes: open.count == 1 ? first : bundle(open), count: open.count))
            open.removeAll(keepingCapacity: true)
            openBytes = 0
        }
        for message in messages {
            let bytes = try encode(message)
            let isFull =
                version < bundleVersion || open.count == Limits.messagesPerBundle
                || openBytes + bytes.count > Limits.bundleBytes
            if isFull { close() }
            open.append(bytes)
            openBytes += bytes.count
        }
        close()
        return packed
    }

    /// All messages that one message of the socket holds, every field checked against `Limits`.
    /// - Throws: what `decode` throws for the first that is not right; then none of them counts.
    package static func unpack(_ bytes: [UInt8]) throws(CodecError) -> [FarmMessage] {
        var envelope = WireReader(bytes)
        guard envelope.number(Field.version) == UInt64(envelopeVersion),
            var bundle = envelope.message(Field.bundle)
        else { return [try decode(bytes)] }
        var messages: [FarmMessage] = []
        while let part = bundle.next(Field.message) {
            guard messages.count < Limits.messagesPerBundle else { throw CodecError.badField("bundle") }
            messages.append(try decode(part))
        }
        guard bundle.isAtEnd, envelope.isAtEnd, !messages.isEmpty else { throw CodecError.malformed }
        return messages
    }

    private static func bundle(_ parts: [[UInt8]]) -> [UInt8] {
        var writer = WireWriter(capacity: parts.reduce(16) { $0 + $1.count + 4 })
        writer.number(Field.version, UInt64(envelopeVersion))
        writer.message(Field.bundle) { bundle in
            for part in parts { bundle.part(Field.message, part) }
        }
        return writer.bytes
    }
}
