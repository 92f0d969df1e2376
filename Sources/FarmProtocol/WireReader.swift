import Farm

/// Reads protobuf's encoding field by field. It knows only what the hot messages hold, each field at most
/// once and in the order of the numbers, as encoders write them; for anything else it gives nil, and the
/// generated code decides.
struct WireReader {
    private let bytes: [UInt8]
    private let start: Int
    private var position: Int
    private let end: Int
    private var last = 0
    /// Whether something was there that could not be read.
    private var isBroken = false

    /// Reads a whole message.
    init(_ bytes: [UInt8]) {
        self.init(bytes, 0..<bytes.count)
    }

    private init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        start = range.lowerBound
        position = start
        end = range.upperBound
    }

    /// All that it reads, as bytes of their own.
    var content: [UInt8] { Array(bytes[start..<end]) }

    /// Whether every byte was read and understood.
    var isAtEnd: Bool { position == end && !isBroken }

    /// Whether the next field has this number and wire type; then its value follows.
    mutating func has(_ number: Int, _ type: WireType) -> Bool {
        guard number > last else { return false }
        let start = position
        guard let tag = varint(), tag == UInt64(number << 3 | type.rawValue) else {
            position = start
            return false
        }
        last = number
        return true
    }

    /// A field of this number, or 0 where it is missing; nil where the bytes end too soon.
    mutating func number(_ field: Int) -> UInt64? {
        has(field, .varint) ? varint() : 0
    }

    /// The same for a number that has to fit 32 bits.
    mutating func small(_ field: Int) -> UInt32? {
        number(field).flatMap { UInt32(exactly: $0) }
    }

    /// A field of eight bytes, or 0 where it is missing.
    mutating func fixed(_ field: Int) -> UInt64? {
        has(field, .fixed64) ? eightBytes() : 0
    }

    /// The eight bytes of the field that was just found; nil where the bytes end too soon.
    mutating func eightBytes() -> UInt64? {
        guard end - position >= 8 else { return nil }
        defer { position += 8 }
        return (0..<8).reduce(0) { $0 | UInt64(bytes[position + $1]) << UInt64(8 * $1) }
    }

    /// A number with a fraction, or 0 where it is missing.
    mutating func double(_ field: Int) -> Double? {
        fixed(field).map { Double(bitPattern: $0) }
    }

    /// A message inside this one; nil where it is missing.
    mutating func message(_ field: Int) -> WireReader? {
        guard has(field, .bytes), let range = span() else { return nil }
        return WireReader(bytes, range)
    }

    /// The next of several messages of the same number; nil after the last.
    mutating func next(_ field: Int) -> WireReader? {
        last = min(last, field - 1)
        return message(field)
    }

    /// A text, empty where it is missing.
    mutating func text(_ field: Int) -> String? {
        guard has(field, .bytes) else { return "" }
        guard let range = span() else { return nil }
        return known(String(validating: bytes[range], as: UTF8.self))
    }

    /// A digest; nil where it is missing.
    mutating func digest(_ field: Int) -> Digest? {
        guard has(field, .bytes), let range = span() else { return nil }
        return known(Digest(bytes: bytes[range]))
    }

    private mutating func known<Value>(_ value: Value?) -> Value? {
        if value == nil { isBroken = true }
        return value
    }

    private mutating func span() -> Range<Int>? {
        guard let count = known(varint()), count <= UInt64(end - position) else { return known(nil) }
        defer { position += Int(count) }
        return position..<position + Int(count)
    }

    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < end, shift < 63 {
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }
}

/// How protobuf writes a field's value.
enum WireType: Int {
    case varint = 0
    case fixed64 = 1
    case bytes = 2
}
