/// A SHA-256 digest: 32 bytes held in four words, so that a million of them stay compact.
package struct Digest: Hashable, Comparable, Sendable, CustomStringConvertible {
    private var a: UInt64
    private var b: UInt64
    private var c: UInt64
    private var d: UInt64

    /// The digest whose bytes are all zero; stands for "none yet" in dense tables.
    package static let zero = Digest(words: (0, 0, 0, 0))

    private init(words: (UInt64, UInt64, UInt64, UInt64)) {
        (a, b, c, d) = words
    }

    /// Nil unless `bytes` are exactly 32.
    package init?(bytes: some Sequence<UInt8>) {
        var words: [UInt64] = [0, 0, 0, 0]
        var count = 0
        for byte in bytes {
            guard count < 32 else { return nil }
            words[count / 8] = words[count / 8] << 8 | UInt64(byte)
            count += 1
        }
        guard count == 32 else { return nil }
        self.init(words: (words[0], words[1], words[2], words[3]))
    }

    /// Nil unless `hex` is 64 hexadecimal digits, in either case.
    package init?(hex: String) {
        var bytes: [UInt8] = []
        var high: UInt8?
        for unit in hex.utf8 {
            guard let digit = Digest.value(ofHexDigit: unit), bytes.count < 32 else { return nil }
            if let half = high {
                bytes.append(half << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        guard high == nil else { return nil }
        self.init(bytes: bytes)
    }

    /// The 32 bytes, first byte first.
    package var bytes: [UInt8] {
        [a, b, c, d].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) }
        }
    }

    /// 64 lowercase hexadecimal digits.
    package var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        let text = bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }

    package var description: String { hex }

    package static func < (left: Digest, right: Digest) -> Bool {
        (left.a, left.b, left.c, left.d) < (right.a, right.b, right.c, right.d)
    }

    private static func value(ofHexDigit unit: UInt8) -> UInt8? {
        switch unit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): unit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): unit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): unit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// The name of a blob: the SHA-256 of its bytes.
package struct BlobID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The SHA-256 of the blob's bytes.
    package var digest: Digest

    /// Names the blob whose bytes have this digest.
    package init(_ digest: Digest) {
        self.digest = digest
    }

    /// 64 lowercase hexadecimal digits.
    package var hex: String { digest.hex }

    package var description: String { hex }

    package static func < (left: BlobID, right: BlobID) -> Bool { left.digest < right.digest }
}
