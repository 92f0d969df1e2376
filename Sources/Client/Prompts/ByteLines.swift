internal import Glibc

/// Lines of a file, read in pieces, so that a file of any length takes little memory.
struct ByteLines {
    /// Most bytes of a line.
    static let limit = 256 << 10

    private let file: PromptSource
    private var buffer: [UInt8] = []
    private var position = 0
    private var offset = 0
    private var isAtEnd = false
    /// The number of the last line given, from 1.
    private(set) var number = 0

    init(_ file: PromptSource) {
        self.file = file
    }

    /// The next line without its end (`\n` or `\r\n`), nil after the last.
    mutating func next() throws(PromptFileError) -> ArraySlice<UInt8>? {
        var searched = position
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { position = end + 1 }
                return try line(buffer[position..<end])
            }
            searched = buffer.count
            if searched - position > ByteLines.limit { throw tooLong() }
            if isAtEnd {
                if position == buffer.count { return nil }
                defer { position = buffer.count }
                return try line(buffer[position...])
            }
            searched -= position
            buffer.removeFirst(position)
            position = 0
            let piece = try file.read(at: offset)
            offset += piece.count
            isAtEnd = piece.isEmpty
            buffer += piece
        }
    }

    private mutating func line(_ bytes: ArraySlice<UInt8>) throws(PromptFileError) -> ArraySlice<UInt8> {
        var bytes = bytes
        if bytes.last == UInt8(ascii: "\r") { bytes = bytes.dropLast() }
        if number == 0 && bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        if bytes.count > ByteLines.limit { throw tooLong() }
        number += 1
        return bytes
    }

    private func tooLong() -> PromptFileError {
        .longLine(file: file.name, line: number + 1, limit: ByteLines.limit)
    }
}
