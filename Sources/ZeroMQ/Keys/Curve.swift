internal import CZeroMQ

/// A public key of CURVE (RFC 26): 32 bytes, written as 40 characters of Z85.
package struct CurveKey: Hashable, Sendable, CustomStringConvertible {
    /// The 40 characters.
    package let text: String

    /// Nil unless `text` is a key's 40 characters.
    package init?(_ text: String) {
        var bytes = [UInt8](repeating: 0, count: 32)
        guard text.utf8.count == 40, zmq_z85_decode(&bytes, text) != nil else { return nil }
        self.text = text
    }

    /// The key of these 32 bytes; nil for any other number of bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        var text = [CChar](repeating: 0, count: 41)
        guard zmq_z85_encode(&text, bytes, 32) != nil else { return nil }
        self.text = String(decoding: text.prefix(40).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// A text that the library itself keeps for a key.
    init(known text: String) { self.text = text }

    package var description: String { text }
}

/// A key that others may know and its secret half.
package struct CurveKeyPair: Hashable, Sendable {
    /// What others know.
    package let key: CurveKey
    /// What nobody else knows, 40 characters of Z85.
    package let secret: String

    /// A new pair, drawn by the library.
    /// - Throws: `ZeroMQError.failed` when the library was built without CURVE.
    package static func make() throws(ZeroMQError) -> CurveKeyPair {
        var key = [CChar](repeating: 0, count: 41)
        var secret = key
        guard zmq_has("curve") == 1, zmq_curve_keypair(&key, &secret) == 0 else {
            throw .failed(operation: "make keys", reason: "it was built without CURVE")
        }
        guard let pair = CurveKeyPair(secret: text(secret)) else {
            throw .failed(operation: "make keys", reason: "it drew an unusable pair")
        }
        return pair
    }

    /// The pair of this secret; nil unless it is 40 characters of Z85.
    package init?(secret: String) {
        guard CurveKey(secret) != nil else { return nil }
        var key = [CChar](repeating: 0, count: 41)
        guard zmq_curve_public(&key, secret) == 0 else { return nil }
        self.key = CurveKey(known: CurveKeyPair.text(key))
        self.secret = secret
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix(40).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Which side of an encrypted connection a socket is.
package enum CurveSide: Hashable, Sendable {
    /// Accepts connections from keys that a `Gatekeeper` in the same context allows.
    case server(CurveKeyPair)
    /// Connects as `CurveKeyPair` to the server that holds the secret of `CurveKey`, and to no other.
    case client(CurveKeyPair, server: CurveKey)

    /// The library asks its gatekeeper for this domain, and refuses everybody when it cannot ask.
    static let domain = "tessera"

    /// Sets it on a fresh socket.
    func apply(to pointer: UnsafeMutableRawPointer) throws(ZeroMQError) {
        switch self {
        case .server(let pair):
            try set(pointer, ZMQ_CURVE_SERVER, Int32(1))
            try set(pointer, ZMQ_CURVE_SECRETKEY, pair.secret)
            try set(pointer, ZMQ_ZAP_DOMAIN, CurveSide.domain)
            try set(pointer, CurveSide.enforceDomain, Int32(1))
        case .client(let pair, let server):
            try set(pointer, ZMQ_CURVE_SERVERKEY, server.text)
            try set(pointer, ZMQ_CURVE_PUBLICKEY, pair.key.text)
            try set(pointer, ZMQ_CURVE_SECRETKEY, pair.secret)
        }
    }

    /// `ZMQ_ZAP_ENFORCE_DOMAIN`: the library has it, its headers show it to drafts only.
    private static let enforceDomain: Int32 = 93

    private func set(_ pointer: UnsafeMutableRawPointer, _ option: Int32, _ value: Int32) throws(ZeroMQError)
    {
        var value = value
        if zmq_setsockopt(pointer, option, &value, MemoryLayout<Int32>.size) != 0 {
            throw ZeroMQError.last("set option \(option) of a socket")
        }
    }

    private func set(_ pointer: UnsafeMutableRawPointer, _ option: Int32, _ text: String) throws(ZeroMQError)
    {
        if zmq_setsockopt(pointer, option, text, text.utf8.count) != 0 {
            throw ZeroMQError.last("set option \(option) of a socket")
        }
    }
}
