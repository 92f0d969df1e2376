import Farm

/// Writes protobuf's encoding field by field, in the order of the numbers; what is zero or empty is left
/// out, as the generated code does it.
struct WireWriter {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    /// Adds a number.
    mutating func number(_ field: Int, _ value: UInt64) {
        guard value != 0 else { return }
        tag(field, .varint)
        varint(value)
    }

    /// Adds eight bytes.
    mutating func fixed(_ field: Int, _ value: UInt64) {
        guard value != 0 else { return }
        tag(field, .fixed64)
        eightBytes(value)
    }

    /// Adds a number with a fraction, unless its bits are all zero.
    mutating func double(_ field: Int, _ value: Double) {
        if value.bitPattern != 0 { present(field, value) }
    }

    /// Adds a number with a fraction, zero too.
    mutating func present(_ field: Int, _ value: Double) {
        tag(field, .fixed64)
        eightBytes(value.bitPattern)
    }

    /// Adds a text.
    mutating func text(_ field: Int, _ value: String) {
        guard !value.isEmpty else { return }
        tag(field, .bytes)
        varint(UInt64(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    /// Adds a digest where there is one.
    mutating func digest(_ field: Int, _ value: Digest?) {
        guard let value else { return }
        tag(field, .bytes)
        varint(32)
        value.withBytes { bytes.append(contentsOf: $0) }
    }

    /// Adds a message inside this one.
    mutating func message(_ field: Int, _ body: (inout WireWriter) -> Void) {
        tag(field, .bytes)
        let start = bytes.count
        body(&self)
        let count = bytes.count - start
        // Its length stands before it and takes as many bytes as it needs.
        var length = WireWriter(capacity: 4)
        length.varint(UInt64(count))
        bytes.insert(contentsOf: length.bytes, at: start)
    }

    /// Adds a message inside this one that is bytes already.
    mutating func part(_ field: Int, _ value: [UInt8]) {
        tag(field, .bytes)
        varint(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    private mutating func eightBytes(_ value: UInt64) {
        for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * shift))) }
    }

    private mutating func tag(_ field: Int, _ type: WireType) { varint(UInt64(field << 3 | type.rawValue)) }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
