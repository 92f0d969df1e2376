import TensorEngine

extension CLIPTokenizer {
    /// Reads vocab.json, merges.txt and tokenizer_config.json in `folder`; tokenizer.json (as transformers
    /// 5 writes it) where there is no vocab.json.
    ///
    /// - Parameter positions: the text tower's; the tokenizer must fill them.
    init(folder: String, positions: Int) throws(ModelError) {
        let whole = joined(folder, "tokenizer.json")
        let isWhole = isFile(whole) && !isFile(joined(folder, "vocab.json"))
        let pairs = try isWhole ? PairFile(tokenizer: whole) : PairFile(folder: folder)
        let vocabulary = pairs.vocabulary
        let settings = try SpecialTokens(folder: folder, vocabulary: vocabulary)
        let merges = try pairs.merges()
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
}

/// A vocabulary and its pairs to join, as the files have them.
private struct PairFile {
    /// The most bytes that such a file may have.
    private static let maximumBytes = 1 << 26

    let vocabulary: [String: Int]
    /// File, what a pair's place is called there, and the two tokens with a space between, by place.
    private let path: String
    private let place: String
    private let lines: [(number: Int, text: Substring)]

    /// vocab.json and merges.txt: lines of two tokens; the first line may name the format's version.
    init(folder: String) throws(ModelError) {
        let file = try ConfigFile(path: joined(folder, "vocab.json"), maximumBytes: Self.maximumBytes)
        vocabulary = try Self.vocabulary(file)
        path = joined(folder, "merges.txt")
        place = "line"
        let bytes = try ConfigFile.bytes(path: path, maximumBytes: Self.maximumBytes)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .contradiction(file: path, reason: "it is not valid UTF-8")
        }
        lines = text.split(separator: /\r?\n/, omittingEmptySubsequences: false).enumerated()
            .map { (number: $0.offset + 1, text: $0.element) }
            .filter { !$0.text.isEmpty && !$0.text.hasPrefix("#version") }
    }

    /// tokenizer.json: "model" has both, pairs as lists or as texts.
    init(tokenizer path: String) throws(ModelError) {
        let file = try ConfigFile(path: path, maximumBytes: Self.maximumBytes)
        guard case .object(let members)? = file["model"] else {
            throw file.fault("model", expected: "an object")
        }
        let model = ConfigFile(path: path, values: members)
        try model.require([("type", .string("BPE")), ("end_of_word_suffix", .string("</w>"))])
        guard case .object(let tokens)? = model["vocab"] else {
            throw model.fault("vocab", expected: "an object from token to number")
        }
        vocabulary = try Self.vocabulary(ConfigFile(path: path, values: tokens))
        self.path = path
        place = "merge"
        guard case .array(let values)? = model["merges"] else {
            throw model.fault("merges", expected: "a list of pairs of tokens")
        }
        var lines: [(number: Int, text: Substring)] = []
        for (index, value) in values.enumerated() {
            switch value {
            case .string(let text): lines.append((index + 1, text[...]))
            case .array(let pair):
                let words = pair.map { if case .string(let word) = $0 { word } else { "" } }
                lines.append((index + 1, words.joined(separator: " ")[...]))
            default: throw model.fault("merges", expected: "a list of pairs of tokens")
            }
        }
        self.lines = lines
    }

    private static func vocabulary(_ file: ConfigFile) throws(ModelError) -> [String: Int] {
        var vocabulary: [String: Int] = [:]
        vocabulary.reserveCapacity(file.values.count)
        for (token, value) in file.values {
            guard case .integer(let id) = value, (0..<(1 << 24)).contains(id) else {
                throw file.fault(token, expected: "a token's number")
            }
            vocabulary[token] = id
        }
        return vocabulary
    }

    /// The pairs, the most frequent first.
    func merges() throws(ModelError) -> [BytePairEncoder.Merge] {
        var merges: [BytePairEncoder.Merge] = []
        merges.reserveCapacity(lines.count)
        for (number, text) in lines {
            let parts = text.split(separator: " ", omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw .contradiction(file: path, reason: "\(place) \(number) is not a pair of tokens")
            }
            guard let left = vocabulary[String(parts[0])], let right = vocabulary[String(parts[1])],
                let merged = vocabulary[String(parts[0] + parts[1])]
            else {
                throw .contradiction(
                    file: path, reason: "\(place) \(number) joins tokens that the vocabulary does not hold")
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
            throw .contradiction(file: file.path, reason: "\(key) “\(content)” is not in the vocabulary")
        }
        let text =
            isNormalized ? CLIPTokenizer.normalized(content.unicodeScalars) : Array(content.unicodeScalars)
        return (content, CLIPTokenizer.AddedToken(text: text, id: id, isNormalized: isNormalized))
    }
}
