/// Why a cascade cannot make the picture that is asked of it.
package enum CascadeError: Error, Hashable, Sendable, CustomStringConvertible {
    case size(Int, model: String, offered: [Int])
    case promptTooLong(bytes: Int)
    case promptHasNull
    case unknownStage(String, model: String, known: [String])
    case steps(Int, stage: String, allowed: ClosedRange<Int>)
    case guidance(Double)

    /// A sentence for the user.
    package var description: String {
        switch self {
        case .size(let size, let model, let offered):
            "Model \(model) makes no pictures of size \(size); ask for \(listed(offered.map(String.init)))."
        case .promptTooLong(let bytes):
            "The prompt has \(bytes) bytes; at most \(RenderRequest.maximumPromptBytes) are allowed."
        case .promptHasNull:
            "The prompt holds a null character (U+0000); remove it."
        case .unknownStage(let stage, let model, let known):
            "Steps are given for stage “\(stage)”, but model \(model) has only the stages \(listed(known))."
        case .steps(let steps, let stage, let allowed):
            "Stage \(stage) cannot run \(steps) steps; ask for \(allowed.lowerBound) to"
                + " \(allowed.upperBound)."
        case .guidance(let guidance):
            "Guidance \(guidance) is out of range; ask for a number from 0 to 50."
        }
    }
}

/// "a, b or c".
func listed(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "nothing" }
    return words.dropLast().joined(separator: ", ") + " or " + last
}
