import Foundation

/// What commands write: results on standard output, remarks on standard error.
enum Output {
    /// Prints `value` as pretty JSON with sorted keys: the contract of `--json`.
    static func json(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// Writes one line to standard error.
    static func remark(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}
