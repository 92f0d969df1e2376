/// Why a prompt file was not taken. Nothing of it has been submitted then.
package enum PromptFileError: Error, Hashable, Sendable {
    /// The file cannot be opened or read.
    case notReadable(file: String, reason: String)
    /// The file's name tells no format.
    case unknownFormat(file: String)
    /// There is no prompt in it.
    case empty(file: String)
    /// A line is not UTF-8.
    case notUTF8(file: String, line: Int)
    /// A line, or a record, is longer than allowed.
    case longLine(file: String, line: Int, limit: Int)
    /// A line of a .jsonl file is not a JSON object.
    case brokenJSON(file: String, line: Int)
    /// A record of a .csv file is broken.
    case brokenCSV(file: String, line: Int, reason: String)
    /// A field, or a column, that no request has.
    case unknownField(file: String, line: Int, field: String)
    /// A field stands there twice.
    case repeatedField(file: String, line: Int, field: String)
    /// The prompt is missing.
    case missingPrompt(file: String, line: Int)
    /// A field holds another kind of value than it should.
    case wrongKind(file: String, line: Int, field: String, expected: String)
    /// A value is out of bounds.
    case value(file: String, line: Int, RequestError)
    /// More pictures than one job may have.
    case tooManyImages(file: String, line: Int)
    /// The file has changed since it was checked.
    case changed(file: String)
    /// The copy of standard input could not be kept.
    case notSpooled(reason: String)
}

extension PromptFileError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notReadable(let file, let reason):
            "The prompts file \(file) cannot be read: \(reason)."
        case .unknownFormat(let file):
            "The name \(file) tells no format; a prompts file ends in .txt, .csv or .jsonl."
        case .empty(let file):
            "\(file) holds no prompt; write at least one."
        case .notUTF8(let file, let line):
            "\(file):\(line): The line is not valid UTF-8; save the file as UTF-8."
        case .longLine(let file, let line, let limit):
            "\(file):\(line): The line is longer than \(limit) bytes; shorten it."
        case .brokenJSON(let file, let line):
            "\(file):\(line): The line is not a JSON object; write for example {\"prompt\": \"a rose\"}."
        case .brokenCSV(let file, let line, let reason):
            "\(file):\(line): The record is broken: \(reason)."
        case .unknownField(let file, let line, let field):
            "\(file):\(line): The field \"\(field)\" is not known; known are \(PromptField.list)."
        case .repeatedField(let file, let line, let field):
            "\(file):\(line): The field \"\(field)\" stands there twice; keep one."
        case .missingPrompt(let file, let line):
            "\(file):\(line): The field \"prompt\" is missing; add it."
        case .wrongKind(let file, let line, let field, let expected):
            "\(file):\(line): The field \"\(field)\" must be \(expected)."
        case .value(let file, let line, let error):
            "\(file):\(line): \(error)"
        case .tooManyImages(let file, let line):
            "\(file):\(line): The job has more than \(RequestCheck.images) pictures here; split it."
        case .changed(let file):
            "\(file) changed while it was submitted; submit it again."
        case .notSpooled(let reason):
            "The prompts could not be kept in a temporary file: \(reason). Set TMPDIR to a folder with room."
        }
    }
}
