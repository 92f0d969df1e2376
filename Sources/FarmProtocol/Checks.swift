import Farm
import Foundation

/// Checks of one field each; they name the field that fails.
enum Checks {
    static func name(_ text: String, _ field: String, canBeEmpty: Bool = false) throws(CodecError) -> String {
        guard text.utf8.count <= Limits.nameBytes, canBeEmpty || !text.isEmpty else { throw .badField(field) }
        return text
    }

    static func text(_ text: String, _ field: String, limit: Int = Limits.textBytes) throws(CodecError)
        -> String
    {
        guard text.utf8.count <= limit else { throw .badField(field) }
        return text
    }

    static func number(_ value: some BinaryInteger, _ field: String, in range: ClosedRange<Int>)
        throws(CodecError)
        -> Int
    {
        guard let number = Int(exactly: value), range.contains(number) else { throw .badField(field) }
        return number
    }

    static func farm(_ number: UInt64) throws(CodecError) -> FarmID {
        guard number != 0 else { throw .badField("farm") }
        return FarmID(number)
    }

    static func digest(_ data: Data, _ field: String) throws(CodecError) -> Digest {
        guard let digest = Digest(bytes: data) else { throw .badField(field) }
        return digest
    }

    static func optionalDigest(_ data: Data, _ field: String) throws(CodecError) -> Digest? {
        data.isEmpty ? nil : try digest(data, field)
    }

    static func seconds(_ value: Double, _ field: String) throws(CodecError) -> Double {
        guard value.isFinite, value >= 0, value < 1e9 else { throw .badField(field) }
        return value
    }

    static func list<Wire, Value>(
        _ list: [Wire], _ field: String, limit: Int, _ transform: (Wire) throws(CodecError) -> Value
    ) throws(CodecError) -> [Value] {
        guard list.count <= limit else { throw .badField(field) }
        var values: [Value] = []
        values.reserveCapacity(list.count)
        for item in list { values.append(try transform(item)) }
        return values
    }

    /// Text for people, cut to the limit at a character's boundary with "…" as its end.
    static func clipped(_ text: String) -> String {
        guard text.utf8.count > Limits.textBytes else { return text }
        var kept = ""
        var bytes = 3
        for character in text {
            bytes += character.utf8.count
            if bytes > Limits.textBytes { break }
            kept.append(character)
        }
        return kept + "…"
    }
}

extension Digest {
    /// The 32 bytes as the generated code wants them.
    var data: Data { Data(bytes) }
}
