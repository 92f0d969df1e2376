import Foundation

/// CLIP's tokenizer: byte-level byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909) of lower-cased
/// text, as transformers' `CLIPTokenizer` does it, for any language.
///
///     let tokens = cascade.tokenizer.encode("a strawberry")   // <|startoftext|> a strawberry <|endoftext|>
/// ! ! …
package struct CLIPTokenizer: Sendable {
    /// A prompt as the text tower reads it.
    package struct Tokens: Sendable, Hashable {
        /// As many ids as the tokenizer's `length`.
        package let ids: [Int]
        /// Which ids are the prompt's, from start-of-text to end-of-text; the others are padding.
        package let mask: [Bool]
        /// Tokens at the prompt's end that found no place.
        package let dropped: Int
    }

    /// A token that stands for itself wherever its text occurs.
    struct AddedToken: Sendable, Hashable {
        let text: [Unicode.Scalar]
        let id: Int
        /// Whether it is looked for after normalisation, rather than in the text as it was given.
        let isNormalized: Bool
    }

    /// Tokens of an encoded prompt, padding included.
    package let length: Int
    /// Ids are below this.
    package let vocabulary: Int
    /// The id that every prompt begins with.
    package let startOfText: Int
    /// The id that follows every prompt.
    package let endOfText: Int
    /// The id that fills the rest.
    package let padding: Int
    private let addedTokens: [AddedToken]
    private let encoder: BytePairEncoder

    init(
        length: Int, encoder: BytePairEncoder, startOfText: Int, endOfText: Int, padding: Int,
        addedTokens: [AddedToken]
    ) {
        self.length = length
        self.encoder = encoder
        self.startOfText = startOfText
        self.endOfText = endOfText
        self.padding = padding
        // The longest of the tokens that begin at one place counts.
        self.addedTokens = addedTokens.sorted { $0.text.count > $1.text.count }
        vocabulary = max(encoder.highestToken, startOfText, endOfText, padding) + 1
    }

    /// The prompt's tokens between start-of-text and end-of-text, cut to `length` and padded.
    package func encode(_ prompt: String) -> Tokens {
        let content = tokens(prompt)
        let room = length - 2
        var ids = [startOfText]
        ids.append(contentsOf: content.prefix(room))
        ids.append(endOfText)
        let used = ids.count
        ids.append(contentsOf: repeatElement(padding, count: length - used))
        return Tokens(
            ids: ids, mask: ids.indices.map { $0 < used }, dropped: max(0, content.count - room))
    }

    /// All tokens of the text, without start and end.
    func tokens(_ text: String) -> [Int] {
        var ids: [Int] = []
        let raw = addedTokens.filter { !$0.isNormalized }
        let normalized = addedTokens.filter(\.isNormalized)
        Self.split(Array(text.unicodeScalars), at: raw) { part in
            switch part {
            case .token(let id): ids.append(id)
            case .text(let scalars):
                Self.split(Self.normalized(scalars), at: normalized) { part in
                    switch part {
                    case .token(let id): ids.append(id)
                    case .text(let scalars): encoder.appendTokens(of: scalars, to: &ids)
                    }
                }
            }
        }
        return ids
    }

    private enum Part {
        case token(Int)
        case text(ArraySlice<Unicode.Scalar>)
    }

    /// Gives `body` the text's parts in order: added tokens, and what is between them.
    private static func split(
        _ scalars: [Unicode.Scalar], at tokens: [AddedToken], _ body: (Part) -> Void
    ) {
        let firsts = Set(tokens.compactMap(\.text.first))
        var (start, place) = (0, 0)
        while place < scalars.count {
            guard firsts.contains(scalars[place]),
                let token = tokens.first(where: { scalars[place...].starts(with: $0.text) })
            else {
                place += 1
                continue
            }
            if start < place { body(.text(scalars[start..<place])) }
            body(.token(token.id))
            place += token.text.count
            start = place
        }
        if start < place { body(.text(scalars[start..<place])) }
    }

    /// Canonical composition, then lower case, scalar by scalar. (The original also makes one space of
    /// every run of white space; nothing later looks at spaces.)
    static func normalized(_ scalars: some Sequence<Unicode.Scalar>) -> [Unicode.Scalar] {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        var lower: [Unicode.Scalar] = []
        lower.reserveCapacity(text.count)
        for scalar in String(text).precomposedStringWithCanonicalMapping.unicodeScalars {
            if scalar.properties.changesWhenLowercased {
                lower.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            } else {
                lower.append(scalar)
            }
        }
        return lower
    }
}
