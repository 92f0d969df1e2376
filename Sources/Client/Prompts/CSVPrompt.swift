/// Requests in comma-separated files (RFC 4180), the first record naming the columns.
enum CSVPrompt {
    /// Why a record cannot be read.
    enum RecordError: String, Error {
        case openQuote = "a quoted cell never ends; close it with a quotation mark"
        case afterQuote = "after a closing quotation mark comes neither comma nor line end"
        case insideCell =
            "a quotation mark stands inside an unquoted cell; quote the cell and double the mark"
        case tooLong = "it is too long"
    }

    /// Splits a record into cells, fed line by line.
    struct RecordParser {
        private(set) var cells: [String] = []
        private var cell: [UInt8] = []
        private var isQuoted = false
        private var bytes = 0

        init() {}

        /// Takes one line of the record.
        ///
        /// - Returns: whether the record is complete.
        mutating func take(_ line: String) throws(RecordError) -> Bool {
            bytes += line.utf8.count + 1
            if bytes > ByteLines.limit { throw .tooLong }
            let text = Array(line.utf8)
            var index = 0
            if isQuoted { cell.append(UInt8(ascii: "\n")) }
            while true {
                if isQuoted {
                    guard index < text.count else { return false }
                    if text[index] != UInt8(ascii: "\"") {
                        cell.append(text[index])
                    } else if index + 1 < text.count, text[index + 1] == UInt8(ascii: "\"") {
                        cell.append(UInt8(ascii: "\""))
                        index += 1
                    } else {
                        isQuoted = false
                        let isEnd = index + 1 == text.count
                        if !isEnd && text[index + 1] != UInt8(ascii: ",") { throw .afterQuote }
                    }
                } else {
                    guard index < text.count else { break }
                    switch text[index] {
                    case UInt8(ascii: ","): endCell()
                    case UInt8(ascii: "\""):
                        if !cell.isEmpty { throw .insideCell }
                        isQuoted = true
                    default: cell.append(text[index])
                    }
                }
                index += 1
            }
            endCell()
            return true
        }

        private mutating func endCell() {
            cells.append(String(decoding: cell, as: UTF8.self))
            cell = []
        }
    }

    /// The columns that the first record names.
    static func columns(_ cells: [String], file: String, number: Int) throws(PromptFileError) -> [PromptField]
    {
        var columns: [PromptField] = []
        for cell in cells {
            let name = cell.trimmed
            guard let column = PromptField(rawValue: name) else {
                throw .unknownField(file: file, line: number, field: name)
            }
            if columns.contains(column) { throw .repeatedField(file: file, line: number, field: name) }
            columns.append(column)
        }
        if !columns.contains(.prompt) { throw .missingPrompt(file: file, line: number) }
        return columns
    }

    /// A request from the cells of one record; empty cells leave the default.
    static func line(
        _ cells: [String], columns: [PromptField], file: String, number: Int
    ) throws(PromptFileError) -> PromptLine {
        if cells.count != columns.count {
            let reason = "it has \(cells.count) cells, the header has \(columns.count)"
            throw .brokenCSV(file: file, line: number, reason: reason)
        }
        var texts: [PromptField: String] = [:]
        for (column, cell) in zip(columns, cells) where !cell.trimmed.isEmpty { texts[column] = cell.trimmed }
        do throws(RequestError) {
            var line = try PromptLine(number: number, prompt: texts[.prompt] ?? "")
            if let text = texts[.seed] {
                guard let seed = UInt64(text) else { throw .seed(text) }
                line.seed = seed
            }
            if let text = texts[.size] {
                guard let size = Int(text) else { throw .size(text) }
                line.size = try RequestCheck.size(size)
            }
            if let text = texts[.count] {
                guard let count = Int(text) else { throw .count(text) }
                line.count = try RequestCheck.count(count)
            }
            if let text = texts[.guidance] {
                guard let guidance = Double(text) else { throw .guidance(text) }
                line.guidance = try RequestCheck.guidance(guidance)
            }
            if let text = texts[.steps] { line.steps = try RequestCheck.steps(text) }
            return line
        } catch {
            throw .value(file: file, line: number, error)
        }
    }
}

extension String {
    /// Without blanks around it.
    var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
