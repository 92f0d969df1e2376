/// Lines of a prompt file, one by one, each checked.
struct PromptLineReader {
    private let file: String
    private let format: PromptFormat
    private var lines: ByteLines
    private var columns: [PromptField]?

    init(_ source: PromptSource, format: PromptFormat) {
        file = source.name
        self.format = format
        lines = ByteLines(source)
    }

    /// The next line that holds a prompt, nil after the last.
    mutating func next() throws(PromptFileError) -> PromptLine? {
        switch format {
        case .txt, .jsonl:
            while let bytes = try lines.next() {
                let number = lines.number
                let text = try text(bytes, number)
                if text.allSatisfy(\.isWhitespace) { continue }
                if format == .jsonl { return try JSONPrompt.line(text, file: file, number: number) }
                do {
                    return try PromptLine(number: number, prompt: text)
                } catch {
                    throw .value(file: file, line: number, error)
                }
            }
            return nil
        case .csv:
            if columns == nil { columns = try header() }
            guard let columns, let (cells, number) = try record() else { return nil }
            return try CSVPrompt.line(cells, columns: columns, file: file, number: number)
        }
    }

    private mutating func header() throws(PromptFileError) -> [PromptField] {
        guard let (cells, number) = try record() else { throw .empty(file: file) }
        return try CSVPrompt.columns(cells, file: file, number: number)
    }

    /// The next record that is not blank, and the line it begins on. A quoted cell may run over several
    /// lines.
    private mutating func record() throws(PromptFileError) -> (cells: [String], line: Int)? {
        while let first = try lines.next() {
            let number = lines.number
            var text = try text(first, number)
            if text.allSatisfy(\.isWhitespace) { continue }
            var parser = CSVPrompt.RecordParser()
            while try !take(text, into: &parser, number) {
                guard let more = try lines.next() else { throw broken(.openQuote, number) }
                text = try self.text(more, lines.number)
            }
            return (parser.cells, number)
        }
        return nil
    }

    private func take(
        _ text: String, into parser: inout CSVPrompt.RecordParser, _ number: Int
    ) throws(PromptFileError) -> Bool {
        do {
            return try parser.take(text)
        } catch {
            throw broken(error, number)
        }
    }

    private func broken(_ error: CSVPrompt.RecordError, _ number: Int) -> PromptFileError {
        if error == .tooLong { return .longLine(file: file, line: number, limit: ByteLines.limit) }
        return .brokenCSV(file: file, line: number, reason: error.rawValue)
    }

    private func text(_ bytes: ArraySlice<UInt8>, _ number: Int) throws(PromptFileError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .notUTF8(file: file, line: number)
        }
        return text
    }
}
