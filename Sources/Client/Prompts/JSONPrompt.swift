internal import Foundation

/// Requests as JSON objects, one a line.
enum JSONPrompt {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// What is wrong with an object that is JSON.
    private enum Problem: Error {
        case unknownField(String)
        case missingPrompt
        case wrongKind(field: String, expected: String)
        case value(RequestError)
    }

    /// What one object says, with what is wrong kept apart from JSON's own errors.
    private struct Object: Decodable {
        let line: Result<PromptLine, Problem>

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            line = Result { () throws(Problem) in try JSONPrompt.read(container) }
        }
    }

    /// The request of one line.
    static func line(_ text: String, file: String, number: Int) throws(PromptFileError) -> PromptLine {
        guard let object = try? JSONDecoder().decode(Object.self, from: Data(text.utf8)) else {
            throw .brokenJSON(file: file, line: number)
        }
        switch object.line {
        case .success(var line):
            line.number = number
            return line
        case .failure(.unknownField(let field)): throw .unknownField(file: file, line: number, field: field)
        case .failure(.missingPrompt): throw .missingPrompt(file: file, line: number)
        case .failure(.wrongKind(let field, let expected)):
            throw .wrongKind(file: file, line: number, field: field, expected: expected)
        case .failure(.value(let error)): throw .value(file: file, line: number, error)
        }
    }

    private static func read(_ container: KeyedDecodingContainer<Key>) throws(Problem) -> PromptLine {
        let names = container.allKeys.map(\.stringValue).sorted()
        if let unknown = names.first(where: { PromptField(rawValue: $0) == nil }) {
            throw .unknownField(unknown)
        }
        func value<Value: Decodable>(
            _ field: PromptField, _ type: Value.Type, _ expected: String
        ) throws(Problem) -> Value? {
            let key = Key(stringValue: field.rawValue)
            if !container.contains(key) { return nil }
            guard let value = try? container.decode(type, forKey: key) else {
                throw .wrongKind(field: field.rawValue, expected: expected)
            }
            return value
        }
        guard let prompt = try value(.prompt, String.self, "a text") else { throw .missingPrompt }
        let seed = try value(.seed, UInt64.self, "a whole number from 0 to 18446744073709551615")
        let size = try value(.size, Int.self, "64, 256 or 1024")
        let count = try value(.count, Int.self, "a whole number from 1 to 1000000")
        let guidance = try value(.guidance, Double.self, "a number from 0 to 100")
        let steps = try value(.steps, [String: Int].self, "an object such as {\"base64\": 25}")
        do throws(RequestError) {
            var line = try PromptLine(number: 0, prompt: prompt)
            line.seed = seed
            if let size { line.size = try RequestCheck.size(size) }
            if let count { line.count = try RequestCheck.count(count) }
            if let guidance { line.guidance = try RequestCheck.guidance(guidance) }
            if let steps { line.steps = try RequestCheck.steps(steps) }
            return line
        } catch {
            throw .value(error)
        }
    }
}
