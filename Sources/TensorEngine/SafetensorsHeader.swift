/// The first part of a safetensors file: 8 bytes of length, then JSON; checked, with offsets made absolute.
struct SafetensorsHeader {
    /// The longest JSON that the format allows, in bytes.
    static let maximumLength = 100_000_000

    let byteCount: Int
    let entries: [String: SafetensorsEntry]
    let metadata: [String: String]

    init(bytes: UnsafeRawBufferPointer, file: String) throws(SafetensorsError) {
        do {
            try self.init(bytes)
        } catch {
            throw SafetensorsError(file: file, reason: error)
        }
    }

    private init(_ bytes: UnsafeRawBufferPointer) throws(SafetensorsError.Reason) {
        guard bytes.count >= 8 else { throw .tooShort(bytes: bytes.count) }
        let stated = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard stated <= Self.maximumLength else { throw .headerTooLong(bytes: stated) }
        let dataStart = 8 + Int(stated)
        guard dataStart <= bytes.count else { throw .headerBeyondEnd(header: dataStart, file: bytes.count) }
        let json = bytes[8..<dataStart]
        guard json.first == UInt8(ascii: "{") else { throw .headerNotObject }
        var members: [String: JSONValue]
        do {
            guard case .object(let found) = try JSONValue(parsing: json) else {
                throw SafetensorsError.Reason.headerNotObject
            }
            members = found
        } catch let error as JSONError {
            throw .headerBroken(error)
        } catch {
            throw .headerNotObject
        }
        metadata = try Self.metadata(members.removeValue(forKey: "__metadata__"))
        byteCount = bytes.count
        entries = try Self.entries(members, data: dataStart..<bytes.count)
    }

    private static func metadata(_ value: JSONValue?) throws(SafetensorsError.Reason) -> [String: String] {
        guard let value else { return [:] }
        guard case .object(let members) = value else { throw .metadataNotStrings }
        var texts: [String: String] = [:]
        for (key, member) in members {
            guard case .string(let text) = member else { throw .metadataNotStrings }
            texts[key] = text
        }
        return texts
    }

    private static func entries(
        _ members: [String: JSONValue], data: Range<Int>
    ) throws(SafetensorsError.Reason) -> [String: SafetensorsEntry] {
        var entries: [String: SafetensorsEntry] = [:]
        // In the order of names, so that a file with two faults always reports the same one.
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            entries[name] = try entry(name, value, data: data)
        }
        let ordered = entries.sorted {
            ($0.value.range.lowerBound, $0.value.range.upperBound, $0.key)
                < ($1.value.range.lowerBound, $1.value.range.upperBound, $1.key)
        }
        var (end, last) = (data.lowerBound, "")
        for (name, entry) in ordered {
            guard entry.range.lowerBound >= end else { throw .overlap(last, name) }
            guard entry.range.lowerBound == end else {
                throw .hole(before: name, bytes: entry.range.lowerBound - end)
            }
            (end, last) = (entry.range.upperBound, name)
        }
        guard end == data.upperBound else { throw .unusedEnd(bytes: data.upperBound - end) }
        return entries
    }

    private static func entry(
        _ name: String, _ value: JSONValue, data: Range<Int>
    ) throws(SafetensorsError.Reason) -> SafetensorsEntry {
        guard case .object(let members) = value else { throw .entryNotObject(name) }
        let known = ["dtype", "shape", "data_offsets"]
        if let key = members.keys.filter({ !known.contains($0) }).min() { throw .unknownKey(name, key: key) }
        for key in known where members[key] == nil { throw .missingKey(name, key: key) }

        guard case .string(let typeName)? = members["dtype"] else {
            throw .unknownType(name, type: members["dtype"]?.summary ?? "")
        }
        guard let type = SafetensorsType(rawValue: typeName) else { throw .unknownType(name, type: typeName) }
        guard let shape = wholeNumbers(members["shape"]) else { throw .badShape(name) }
        guard let offsets = wholeNumbers(members["data_offsets"]), offsets.count == 2,
            offsets[0] <= offsets[1]
        else { throw .badOffsets(name) }
        guard let length = byteCount(shape, type) else { throw .tooLarge(name) }
        guard offsets[1] <= data.count else { throw .outOfBounds(name, end: offsets[1], data: data.count) }
        guard offsets[1] - offsets[0] == length else {
            throw .wrongLength(name, bytes: offsets[1] - offsets[0], expected: length)
        }
        let range = (data.lowerBound + offsets[0])..<(data.lowerBound + offsets[1])
        return SafetensorsEntry(type: type, shape: shape, range: range)
    }

    /// The numbers of a JSON list of integers ≥ 0; nil for anything else.
    private static func wholeNumbers(_ value: JSONValue?) -> [Int]? {
        guard case .array(let values)? = value else { return nil }
        var numbers: [Int] = []
        for value in values {
            guard case .integer(let number) = value, number >= 0 else { return nil }
            numbers.append(number)
        }
        return numbers
    }

    /// Bytes of a tensor; nil when they overflow or are not whole. Sizes are multiplied in the order given,
    /// so a zero does not hide an overflow before it (the rule of the reference reader).
    private static func byteCount(_ shape: [Int], _ type: SafetensorsType) -> Int? {
        var bits = 1
        for size in shape + [type.bits] {
            let (product, overflow) = bits.multipliedReportingOverflow(by: size)
            guard !overflow else { return nil }
            bits = product
        }
        return bits.isMultiple(of: 8) ? bits / 8 : nil
    }
}

extension SafetensorsError.Reason: Error {}
