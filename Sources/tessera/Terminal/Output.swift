import Foundation

/// What commands write: results on standard output, remarks on standard error.
enum Output {
    /// Prints `value` as pretty JSON with sorted keys: the contract of `--json`. Points in time are ISO 8601,
    /// in UTC with milliseconds.
    static func json(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
        }
        print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// Writes one line to standard error.
    static func remark(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}
