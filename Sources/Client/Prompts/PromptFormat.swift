/// How a prompt file is written.
package enum PromptFormat: String, Sendable, CaseIterable {
    /// A prompt a line.
    case txt
    /// A header line, then a request a record.
    case csv
    /// A JSON object a line.
    case jsonl

    /// The format that the name of a file tells by its ending; nil for any other ending.
    package init?(fileName: String) {
        guard let dot = fileName.lastIndex(of: ".") else { return nil }
        self.init(rawValue: fileName[fileName.index(after: dot)...].lowercased())
    }
}
