/// What is wrong with one value of a request, wherever it was written.
package enum RequestError: Error, Hashable, Sendable {
    /// The prompt has no visible character.
    case emptyPrompt
    /// The prompt is longer than allowed.
    case longPrompt(bytes: Int)
    /// The prompt holds the character NUL.
    case nulInPrompt
    /// The size is none of the cascade's.
    case size(String)
    /// The number of pictures is out of bounds.
    case count(String)
    /// The seed is out of bounds.
    case seed(String)
    /// The guidance is out of bounds.
    case guidance(String)
    /// The steps are not of the form `STAGE=NUMBER`.
    case steps(String)
    /// The steps of one stage are given twice.
    case stageTwice(String)
}

extension RequestError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .emptyPrompt: "The prompt is empty; write what to draw."
        case .longPrompt(let bytes):
            "The prompt has \(bytes) bytes; at most \(RequestCheck.promptBytes) are allowed."
        case .nulInPrompt: "The prompt holds the character NUL; remove it."
        case .size(let value): "The size is \(value); it must be 64, 256 or 1024."
        case .count(let value): "The count is \(value); it must be a whole number from 1 to 1000000."
        case .seed(let value):
            "The seed is \(value); it must be a whole number from 0 to 18446744073709551615."
        case .guidance(let value): "The guidance is \(value); it must be a number from 0 to 50."
        case .steps(let value):
            "The steps are \(value); write STAGE=NUMBER, such as base64=25, with numbers from 2 to 1000."
        case .stageTwice(let stage): "The steps of the stage \(stage) are given twice; keep one."
        }
    }
}
