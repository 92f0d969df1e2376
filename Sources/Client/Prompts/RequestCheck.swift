internal import Farm
internal import Foundation

/// The bounds of what may be asked, the same for flags and for prompt files.
package enum RequestCheck {
    /// Sides of a picture, in pixels.
    package static let sizes = [64, 256, 1024]
    /// Most pictures of one job.
    package static let images = Limits.imagesPerJob
    /// Most UTF-8 bytes of a prompt.
    package static let promptBytes = Limits.promptBytes
    /// Denoising steps of a stage: a sampler needs two, and models are trained on a thousand.
    static let steps = 2...1000
    /// Guidance of the decoder stage.
    static let guidance = 0.0...50.0

    /// - Returns: the prompt without blanks around it.
    /// - Throws: `RequestError.emptyPrompt`, `.longPrompt` or `.nulInPrompt`.
    package static func prompt(_ text: String) throws(RequestError) -> String {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        if trimmed.isEmpty { throw .emptyPrompt }
        if trimmed.utf8.count > promptBytes { throw .longPrompt(bytes: trimmed.utf8.count) }
        if trimmed.utf8.contains(0) { throw .nulInPrompt }
        return trimmed
    }

    /// - Throws: `RequestError.size`.
    package static func size(_ value: Int) throws(RequestError) -> Int {
        if !sizes.contains(value) { throw .size("\(value)") }
        return value
    }

    /// - Throws: `RequestError.count`.
    package static func count(_ value: Int) throws(RequestError) -> Int {
        if !(1...images).contains(value) { throw .count("\(value)") }
        return value
    }

    /// - Throws: `RequestError.guidance`.
    package static func guidance(_ value: Double) throws(RequestError) -> Double {
        if !guidance.contains(value) { throw .guidance("\(value)") }
        return value
    }

    /// Reads `STAGE=NUMBER`, several separated by commas or semicolons.
    ///
    /// - Throws: `RequestError.steps` or `.stageTwice`.
    package static func steps(_ text: String) throws(RequestError) -> [String: Int] {
        var steps: [String: Int] = [:]
        for part in text.split(whereSeparator: { $0 == "," || $0 == ";" }) {
            let sides = part.split(separator: "=", omittingEmptySubsequences: false)
            guard sides.count == 2, let number = Int(sides[1].trimmingCharacters(in: .whitespaces)) else {
                throw .steps(text)
            }
            let stage = sides[0].trimmingCharacters(in: .whitespaces)
            if steps.updateValue(number, forKey: stage) != nil { throw .stageTwice(stage) }
        }
        if steps.isEmpty { throw .steps(text) }
        return try self.steps(steps)
    }

    /// - Throws: `RequestError.steps`.
    package static func steps(_ values: [String: Int]) throws(RequestError) -> [String: Int] {
        for (stage, number) in values {
            let isName =
                !stage.isEmpty && stage.utf8.count <= 64
                && stage.utf8.allSatisfy { byte in
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                }
            if !isName || !steps.contains(number) { throw .steps("\(stage)=\(number)") }
        }
        return values
    }
}
