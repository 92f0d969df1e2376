/// What was computed for the last few prompts, the oldest forgotten first.
struct PromptCache<Value> {
    private let capacity: Int
    private var entries: [(prompt: String, value: Value)] = []

    init(capacity: Int) { self.capacity = capacity }

    /// The value for exactly this prompt: other strings that only look the same do not count.
    subscript(prompt: String) -> Value? {
        entries.first { $0.prompt.utf8.elementsEqual(prompt.utf8) }?.value
    }

    mutating func insert(_ value: Value, for prompt: String) {
        if entries.count == capacity { entries.removeFirst() }
        entries.append((prompt, value))
    }
}
