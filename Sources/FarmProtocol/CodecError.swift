/// Why bytes are not a message of the farm, or a message cannot become bytes.
package enum CodecError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes are not a protobuf envelope.
    case malformed
    /// Longer than the socket's limit.
    case tooLarge(bytes: Int, limit: Int)
    /// The sender speaks a version of the protocol that this program does not.
    case unsupportedVersion(Int)
    /// The envelope holds nothing that this program knows.
    case unknownMessage
    /// A field is missing, out of bounds or not what it should be.
    case badField(String)

    package var description: String {
        switch self {
        case .malformed: "The message is not a Tessera message; something else may be using this port."
        case .tooLarge(let bytes, let limit): "The message has \(bytes) bytes; at most \(limit) are allowed."
        case .unsupportedVersion(let version):
            "The message is of protocol version \(version); this program speaks "
                + "\(FarmCodec.oldestVersion) to \(FarmCodec.newestVersion). "
                + "Use the same release on all machines."
        case .unknownMessage:
            "The message is of a kind that this program does not know; use the same release everywhere."
        case .badField(let field): "The message's field \"\(field)\" is missing or out of bounds."
        }
    }
}
