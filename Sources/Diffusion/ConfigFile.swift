import TensorEngine

/// A JSON file of settings, read key by key; each fault names the file, the key and what is allowed.
struct ConfigFile: Sendable {
    /// The most bytes that a file of settings may have.
    static let maximumBytes = 1 << 20

    let path: String
    let values: [String: JSONValue]

    init(path: String, maximumBytes: Int = ConfigFile.maximumBytes) throws(ModelError) {
        guard case .object(let values) = try Self.document(path: path, maximumBytes: maximumBytes) else {
            throw .notObject(file: path)
        }
        self.init(path: path, values: values)
    }

    init(path: String, values: [String: JSONValue]) {
        self.path = path
        self.values = values
    }

    /// The JSON document in the file.
    static func document(path: String, maximumBytes: Int) throws(ModelError) -> JSONValue {
        let bytes = try bytes(path: path, maximumBytes: maximumBytes)
        do {
            return try JSONValue(parsing: bytes)
        } catch {
            throw .brokenJSON(file: path, error)
        }
    }

    /// The file's bytes.
    static func bytes(path: String, maximumBytes: Int) throws(ModelError) -> [UInt8] {
        do throws(FileError) {
            let file = try MappedFile(path: path)
            guard file.count <= maximumBytes else { throw FileError.tooLarge(path: path) }
            return try file.withBytes { Array($0) }
        } catch {
            throw .unreadable(error)
        }
    }

    /// The value of a key; nil where it is missing or null.
    subscript(key: String) -> JSONValue? {
        guard let value = values[key], value != .null else { return nil }
        return value
    }

    func fault(_ key: String, expected: String) -> ModelError {
        guard let value = values[key] else { return .missingKey(file: path, key: key) }
        return .badValue(file: path, key: key, value: value.summary, expected: expected)
    }

    /// A whole number in `range`; `standard` where the key is missing, and a missing key is a fault without
    /// one.
    func integer(_ key: String, standard: Int? = nil, in range: ClosedRange<Int>) throws(ModelError) -> Int {
        if values[key] == nil, let standard { return standard }
        guard case .integer(let value)? = values[key], range.contains(value) else {
            throw fault(key, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func optionalInteger(_ key: String, in range: ClosedRange<Int>) throws(ModelError) -> Int? {
        self[key] == nil ? nil : try integer(key, in: range)
    }

    /// A number in `range`, whole or not.
    func number(
        _ key: String, standard: Double? = nil, in range: ClosedRange<Double>
    ) throws(ModelError) -> Double {
        if values[key] == nil, let standard { return standard }
        let value: Double? =
            switch values[key] {
            case .integer(let whole): Double(whole)
            case .number(let number): number
            default: nil
            }
        guard let value, range.contains(value) else {
            throw fault(key, expected: "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func bool(_ key: String, standard: Bool) throws(ModelError) -> Bool {
        guard let value = values[key] else { return standard }
        guard case .bool(let flag) = value else { throw fault(key, expected: "true or false") }
        return flag
    }

    /// One of the words of `choices`, whose keys are what the file may say.
    func choice<Value>(_ key: String, standard: String, of choices: [String: Value]) throws(ModelError)
        -> Value
    {
        var word = standard
        if let value = values[key] {
            guard case .string(let text) = value else { throw fault(key, expected: Self.list(choices.keys)) }
            word = text
        }
        guard let chosen = choices[word] else { throw fault(key, expected: Self.list(choices.keys)) }
        return chosen
    }

    /// A list of whole numbers in `range`, `count` of them.
    func integers(
        _ key: String, in range: ClosedRange<Int>, count: ClosedRange<Int>
    ) throws(ModelError) -> [Int] {
        let expected =
            "a list of \(count.lowerBound) to \(count.upperBound) whole numbers"
            + " from \(range.lowerBound) to \(range.upperBound)"
        guard case .array(let values)? = values[key], count.contains(values.count) else {
            throw fault(key, expected: expected)
        }
        var numbers: [Int] = []
        for value in values {
            guard case .integer(let number) = value, range.contains(number) else {
                throw fault(key, expected: expected)
            }
            numbers.append(number)
        }
        return numbers
    }

    /// A list of words, each a key of `choices`.
    func choices<Value>(_ key: String, of choices: [String: Value]) throws(ModelError) -> [Value] {
        let expected = "a list of \(Self.list(choices.keys))"
        guard case .array(let values)? = values[key] else { throw fault(key, expected: expected) }
        var chosen: [Value] = []
        for value in values {
            guard case .string(let word) = value, let choice = choices[word] else {
                throw fault(key, expected: expected)
            }
            chosen.append(choice)
        }
        return chosen
    }

    /// Refuses a file where one of these keys has another value than the one that is implemented. A key
    /// that is missing has that value.
    func require(_ fixed: [(key: String, value: JSONValue)]) throws(ModelError) {
        for (key, value) in fixed {
            guard let found = values[key], found != value else { continue }
            // A network is the same whether its file says 1 or 1.0.
            if case .integer(let whole) = value, found == .number(Double(whole)) { continue }
            throw fault(key, expected: "\(value.summary), the only value that is supported")
        }
    }

    private static func list(_ words: some Collection<String>) -> String {
        words.sorted().map { "\"\($0)\"" }.joined(separator: " or ")
    }
}

/// A path in a folder.
func joined(_ folder: String, _ name: String) -> String {
    folder.hasSuffix("/") ? folder + name : folder + "/" + name
}
