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
        let whole = bytes.withContiguousStorageIfAvailable { buffer in
            Digest(bytes: UnsafeRawBufferPointer(buffer))
        }
        if let whole {
            guard let whole else { return nil }
            self = whole
            return
        }
        guard let digest = Digest(bytes: Array(bytes)) else { return nil }
        self = digest
    }

    /// Nil unless `bytes` are exactly 32.
    package init?(bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 32 else { return nil }
        func word(_ place: Int) -> UInt64 {
            UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: place * 8, as: UInt64.self))
        }
        self.init(words: (word(0), word(1), word(2), word(3)))
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
    package var bytes: [UInt8] { withBytes { Array($0) } }

    /// The 32 bytes, first byte first, for the time of `body`.
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeBytes(of: (a.bigEndian, b.bigEndian, c.bigEndian, d.bigEndian), body)
    }

    /// 64 lowercase hexadecimal digits.
    package var hex: String {
        String(unsafeUninitializedCapacity: 64) { text in
            withBytes { bytes in
                for (place, byte) in bytes.enumerated() {
                    text[2 * place] = Digest.digit(byte >> 4)
                    text[2 * place + 1] = Digest.digit(byte & 15)
                }
            }
            return 64
        }
    }

    package var description: String { hex }

    package static func < (left: Digest, right: Digest) -> Bool {
        (left.a, left.b, left.c, left.d) < (right.a, right.b, right.c, right.d)
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
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
