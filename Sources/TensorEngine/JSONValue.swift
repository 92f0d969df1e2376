/// A JSON document, read strictly: one value, valid UTF-8, no duplicate keys, bounded depth.
///
/// Model files are read with this rather than with a general decoder because duplicate keys must be noticed
/// (a safetensors rule) and because messages name the key at fault.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Reads `bytes` as one JSON document (RFC 8259).
    package init(parsing bytes: some Collection<UInt8>) throws(JSONError) {
        let found = bytes.withContiguousStorageIfAvailable { buffer in
            Result { () throws(JSONError) in try Self.parse(buffer) }
        }
        if let found {
            self = try found.get()
        } else {
            self = try JSONValue(parsing: Array(bytes))
        }
    }

    private static func parse(_ buffer: UnsafeBufferPointer<UInt8>) throws(JSONError) -> JSONValue {
        guard String(validating: buffer, as: UTF8.self) != nil else { throw .notUTF8 }
        var scanner = JSONScanner(bytes: buffer)
        return try scanner.document()
    }

    /// How the value would be written, shortened for messages.
    package var summary: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value): "\"\(value.prefix(60))\""
        case .array(let values):
            "[" + values.prefix(8).map(\.summary).joined(separator: ", ") + (values.count > 8 ? ", …]" : "]")
        case .object: "{…}"
        }
    }
}

/// Why bytes are not the JSON that a model file needs. Offsets count bytes from the start of the document.
package enum JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    case notUTF8
    case unexpected(offset: Int)
    case endsEarly
    case duplicateKey(String)
    case tooDeep
    case numberOutOfRange(offset: Int)

    /// A clause without the file's name.
    package var description: String {
        switch self {
        case .notUTF8: "not valid UTF-8"
        case .unexpected(let offset): "not valid JSON at byte \(offset)"
        case .endsEarly: "the JSON ends too early"
        case .duplicateKey(let key): "the key \"\(key.prefix(100))\" appears twice"
        case .tooDeep: "the JSON is nested more than \(JSONScanner.maximumDepth) deep"
        case .numberOutOfRange(let offset): "the number at byte \(offset) is out of range"
        }
    }
}

/// Walks over bytes that are known to be UTF-8.
private struct JSONScanner {
    static let maximumDepth = 64

    let bytes: UnsafeBufferPointer<UInt8>
    var position = 0

    init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func document() throws(JSONError) -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw .unexpected(offset: position) }
        return value
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0a, 0x0d: position += 1
            default: return
            }
        }
    }

    /// The next byte that is not space, not consumed.
    private mutating func peek() throws(JSONError) -> UInt8 {
        skipSpace()
        guard position < bytes.count else { throw .endsEarly }
        return bytes[position]
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(JSONError) {
        guard try peek() == UInt8(ascii: character) else { throw .unexpected(offset: position) }
        position += 1
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard depth <= Self.maximumDepth else { throw .tooDeep }
        switch try peek() {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let end = position + text.utf8CodeUnitCount
        guard end <= bytes.count else { throw .endsEarly }
        for (offset, byte) in UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
            .enumerated()
        where bytes[position + offset] != byte {
            throw .unexpected(offset: position + offset)
        }
        position = end
        return value
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        var members: [String: JSONValue] = [:]
        try expect("{")
        if try peek() == UInt8(ascii: "}") {
            position += 1
            return .object(members)
        }
        while true {
            _ = try peek()
            let key = try string()
            try expect(":")
            let member = try value(depth: depth + 1)
            guard members.updateValue(member, forKey: key) == nil else { throw .duplicateKey(key) }
            if try peek() == UInt8(ascii: ",") {
                position += 1
            } else {
                try expect("}")
                return .object(members)
            }
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        var values: [JSONValue] = []
        try expect("[")
        if try peek() == UInt8(ascii: "]") {
            position += 1
            return .array(values)
        }
        while true {
            values.append(try value(depth: depth + 1))
            if try peek() == UInt8(ascii: ",") {
                position += 1
            } else {
                try expect("]")
                return .array(values)
            }
        }
    }

    /// A number as the grammar has it: no leading zeros, no plus, no bare point.
    private mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        if position < bytes.count, bytes[position] == UInt8(ascii: "-") { position += 1 }
        let whole = try digits()
        if whole.count > 1, bytes[whole.lowerBound] == UInt8(ascii: "0") { throw .unexpected(offset: start) }
        var isWhole = true
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            isWhole = false
            position += 1
            _ = try digits()
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            position += 1
            if position < bytes.count, [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(bytes[position]) {
                position += 1
            }
            _ = try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let value = Int(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw .numberOutOfRange(offset: start) }
        return .number(value)
    }

    private mutating func digits() throws(JSONError) -> Range<Int> {
        let start = position
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
            position += 1
        }
        guard position > start else {
            throw position < bytes.count ? .unexpected(offset: position) : .endsEarly
        }
        return start..<position
    }
}

extension JSONScanner {
    private mutating func string() throws(JSONError) -> String {
        guard bytes[position] == UInt8(ascii: "\"") else { throw .unexpected(offset: position) }
        position += 1
        var text: [UInt8] = []
        var start = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                text.append(contentsOf: bytes[start..<position])
                position += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                text.append(contentsOf: bytes[start..<position])
                text.append(contentsOf: Array(String(Character(try escape())).utf8))
                start = position
            case 0..<0x20:
                throw .unexpected(offset: position)
            default:
                position += 1
            }
        }
        throw .endsEarly
    }

    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        guard position + 1 < bytes.count else { throw .endsEarly }
        let kind = bytes[position + 1]
        position += 2
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(kind)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw .unexpected(offset: position - 1)
        }
    }

    /// The scalar of `\uXXXX`, or of a pair of them that makes one.
    private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let start = position - 2
        let unit = try hexadecimal()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard (0xd800..<0xdc00).contains(unit), position + 1 < bytes.count,
            bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
        else { throw .unexpected(offset: start) }
        position += 2
        let low = try hexadecimal()
        guard (0xdc00..<0xe000).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00))
        else { throw .unexpected(offset: start) }
        return scalar
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        guard position + 4 <= bytes.count else { throw .endsEarly }
        var unit: UInt32 = 0
        for byte in bytes[position..<(position + 4)] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw .unexpected(offset: position)
            }
            unit = unit << 4 | UInt32(digit)
        }
        position += 4
        return unit
    }
}
