import TensorEngine

extension CLIPTokenizer {
    /// The most bytes that vocab.json and merges.txt may have.
    private static let maximumBytes = 1 << 26

    /// Reads vocab.json, merges.txt and tokenizer_config.json in `folder`.
    ///
    /// - Parameter positions: the text tower's; the tokenizer must fill them.
    init(folder: String, positions: Int) throws(ModelError) {
        let vocabularyPath = joined(folder, "vocab.json")
        let file = try ConfigFile(path: vocabularyPath, maximumBytes: Self.maximumBytes)
        var vocabulary: [String: Int] = [:]
        vocabulary.reserveCapacity(file.values.count)
        for (token, value) in file.values {
            guard case .integer(let id) = value, (0..<(1 << 24)).contains(id) else {
                throw file.fault(token, expected: "a token's number")
            }
            vocabulary[token] = id
        }
        let settings = try SpecialTokens(folder: folder, vocabulary: vocabulary)
        let merges = try Self.merges(path: joined(folder, "merges.txt"), vocabulary: vocabulary)
        guard positions > 2 else {
            throw .contradiction(
                file: settings.path, reason: "the text tower has only \(positions) positions")
        }
        if let length = settings.length, length != positions {
            throw .contradiction(
                file: settings.path,
                reason: "model_max_length is \(length), but the text tower has \(positions) positions")
        }
        self.init(
            length: positions,
            encoder: BytePairEncoder(vocabulary: vocabulary, merges: merges, unknown: settings.unknown),
            startOfText: settings.start, endOfText: settings.end, padding: settings.padding,
            addedTokens: settings.added)
    }

    /// Lines of two tokens, the most frequent pair first; the first line may name the format's version.
    private static func merges(
        path: String, vocabulary: [String: Int]
    ) throws(ModelError) -> [BytePairEncoder.Merge] {
        let bytes = try ConfigFile.bytes(path: path, maximumBytes: maximumBytes)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .contradiction(file: path, reason: "it is not valid UTF-8")
        }
        var merges: [BytePairEncoder.Merge] = []
        for (number, line) in text.split(separator: /\r?\n/, omittingEmptySubsequences: false).enumerated() {
            guard !line.isEmpty, !line.hasPrefix("#version") else { continue }
            let parts = line.split(separator: " ", omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw .contradiction(file: path, reason: "line \(number + 1) is not a pair of tokens")
            }
            guard let left = vocabulary[String(parts[0])], let right = vocabulary[String(parts[1])],
                let merged = vocabulary[String(parts[0] + parts[1])]
            else {
                throw .contradiction(
                    file: path, reason: "line \(number + 1) joins tokens that vocab.json does not hold")
            }
            merges.append(BytePairEncoder.Merge(left: left, right: right, merged: merged))
        }
        return merges
    }
}

/// What tokenizer_config.json (and special_tokens_map.json, where there is one) say.
private struct SpecialTokens {
    let path: String
    /// model_max_length, unless it is a stand-in for "unlimited".
    let length: Int?
    let start: Int
    let end: Int
    let unknown: Int
    let padding: Int
    let added: [CLIPTokenizer.AddedToken]

    init(folder: String, vocabulary: [String: Int]) throws(ModelError) {
        path = joined(folder, "tokenizer_config.json")
        let config = isFile(path) ? try ConfigFile(path: path) : ConfigFile(path: path, values: [:])
        let mapPath = joined(folder, "special_tokens_map.json")
        let map = isFile(mapPath) ? try ConfigFile(path: mapPath) : ConfigFile(path: mapPath, values: [:])
        if let kind = config["tokenizer_class"], !Self.classes.contains(kind) {
            throw config.fault("tokenizer_class", expected: "\"CLIPTokenizer\"")
        }
        if case .integer(let length)? = config["model_max_length"], length < 1_000_000 {
            self.length = length
        } else {
            length = nil
        }
        var added: [String: CLIPTokenizer.AddedToken] = [:]
        func token(_ key: String, standard: String) throws(ModelError) -> Int {
            let source = config[key] == nil ? map : config
            let token = try Self.token(source[key] ?? .string(standard), key: key, in: source, vocabulary)
            added[token.content] = token.added
            return token.added.id
        }
        start = try token("bos_token", standard: "<|startoftext|>")
        end = try token("eos_token", standard: "<|endoftext|>")
        unknown = try token("unk_token", standard: "<|endoftext|>")
        padding = try token("pad_token", standard: "<|endoftext|>")
        if case .object(let decoder)? = config["added_tokens_decoder"] {
            for (_, value) in decoder.sorted(by: { $0.key < $1.key }) {
                let token = try Self.token(value, key: "added_tokens_decoder", in: config, vocabulary)
                added[token.content] = token.added
            }
        }
        self.added = added.values.sorted { $0.id < $1.id }
    }

    private static let classes: [JSONValue] = [.string("CLIPTokenizer"), .string("CLIPTokenizerFast")]

    /// A token given as its text, or as an object with "content" and how to match it.
    private static func token(
        _ value: JSONValue, key: String, in file: ConfigFile, _ vocabulary: [String: Int]
    ) throws(ModelError) -> (content: String, added: CLIPTokenizer.AddedToken) {
        var (content, isNormalized) = ("", false)
        switch value {
        case .string(let text): content = text
        case .object(let members):
            guard case .string(let text)? = members["content"] else {
                throw file.fault(key, expected: "a token's text")
            }
            let flags = ["lstrip", "rstrip", "single_word"].filter { members[$0] == .bool(true) }
            guard flags.isEmpty else {
                throw .contradiction(file: file.path, reason: "“\(flags[0])” of \(key) is not supported")
            }
            (content, isNormalized) = (text, members["normalized"] == .bool(true))
        default: throw file.fault(key, expected: "a token's text")
        }
        guard let id = vocabulary[content], !content.isEmpty else {
            throw .contradiction(file: file.path, reason: "\(key) “\(content)” is not in vocab.json")
        }
        let text =
            isNormalized ? CLIPTokenizer.normalized(content.unicodeScalars) : Array(content.unicodeScalars)
        return (content, CLIPTokenizer.AddedToken(text: text, id: id, isNormalized: isNormalized))
    }
}
