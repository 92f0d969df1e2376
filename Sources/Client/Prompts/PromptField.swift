/// The fields of a request in .csv and .jsonl files.
enum PromptField: String, CaseIterable {
    case prompt, seed, size, count, steps, guidance

    /// All names, for messages.
    static var list: String { allCases.map(\.rawValue).joined(separator: ", ") }
}

/// One line of a prompt file: what it says itself, without the defaults.
struct PromptLine: Hashable, Sendable {
    /// Line in the file, from 1.
    var number: Int
    var prompt: String
    var seed: UInt64?
    var size: Int?
    var count: Int?
    var steps: [String: Int]?
    var guidance: Double?

    init(number: Int, prompt: String) throws(RequestError) {
        self.number = number
        self.prompt = try RequestCheck.prompt(prompt)
    }
}
