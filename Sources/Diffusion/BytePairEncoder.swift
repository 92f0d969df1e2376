/// Splits text into words and words into the tokens of a byte-pair vocabulary.
struct BytePairEncoder: Sendable {
    /// Two neighbouring tokens that become one; earlier in the list goes first.
    struct Merge: Sendable {
        let left: Int
        let right: Int
        let merged: Int
    }

    private struct Rule: Sendable {
        let rank: Int
        let merged: Int
    }

    /// The highest id of the vocabulary.
    let highestToken: Int
    /// Each byte's token within a word.
    private let inner: [Int]
    /// Each byte's token as a word's last.
    private let last: [Int]
    private let rules: [UInt64: Rule]

    init(vocabulary: [String: Int], merges: [Merge], unknown: Int) {
        highestToken = vocabulary.values.max() ?? 0
        let characters = Self.byteCharacters
        inner = characters.map { vocabulary[$0] ?? unknown }
        last = characters.map { vocabulary[$0 + "</w>"] ?? unknown }
        var rules: [UInt64: Rule] = [:]
        rules.reserveCapacity(merges.count)
        for (rank, merge) in merges.enumerated() {
            rules[Self.key(merge.left, merge.right)] = Rule(rank: rank, merged: merge.merged)
        }
        self.rules = rules
    }

    /// The character that stands for each byte in the vocabulary's file: itself where it is visible in
    /// Latin-1, else the next one from U+0100 on.
    static let byteCharacters: [String] = {
        var next: UInt32 = 0x100
        return (0..<256).map { byte in
            if (0x21...0x7e).contains(byte) || (0xa1...0xac).contains(byte) || (0xae...0xff).contains(byte) {
                return String(Character(Unicode.Scalar(UInt8(byte))))
            }
            defer { next += 1 }
            return Unicode.Scalar(next).map { String(Character($0)) } ?? ""
        }
    }()

    private static func key(_ left: Int, _ right: Int) -> UInt64 {
        UInt64(left) << 32 | UInt64(right)
    }

    /// Appends the tokens of normalised text.
    func appendTokens(of scalars: ArraySlice<Unicode.Scalar>, to ids: inout [Int]) {
        var words = WordSplitter(scalars: scalars)
        while let word = words.next() {
            var bytes: [UInt8] = []
            for scalar in word {
                bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
            appendTokens(ofWord: bytes, to: &ids)
        }
    }

    /// Joins neighbours, always the pair of the best rank and the leftmost of equals, until none is left to
    /// join.
    private func appendTokens(ofWord bytes: [UInt8], to ids: inout [Int]) {
        var tokens = bytes.enumerated().map { index, byte in
            index == bytes.count - 1 ? last[Int(byte)] : inner[Int(byte)]
        }
        // A doubly linked list over positions; a joined pair keeps its left position.
        var following = Array(1...tokens.count)
        var preceding = Array(-1..<(tokens.count - 1))
        var isJoined = [Bool](repeating: false, count: tokens.count)
        var queue = MergeQueue()

        func offer(_ left: Int) {
            let right = following[left]
            guard right < tokens.count, let rule = rules[Self.key(tokens[left], tokens[right])] else {
                return
            }
            queue.insert(MergeQueue.Candidate(rank: rule.rank, position: left, merged: rule.merged))
        }
        for position in tokens.indices { offer(position) }
        while let best = queue.removeFirst() {
            let left = best.position
            let right = following[left]
            guard !isJoined[left], right < tokens.count,
                rules[Self.key(tokens[left], tokens[right])]?.merged == best.merged
            else { continue }
            tokens[left] = best.merged
            isJoined[right] = true
            following[left] = following[right]
            if following[left] < tokens.count { preceding[following[left]] = left }
            offer(left)
            if preceding[left] >= 0 { offer(preceding[left]) }
        }
        for (token, joined) in zip(tokens, isJoined) where !joined { ids.append(token) }
    }
}

/// Candidates for a merge, best first: a binary heap.
private struct MergeQueue {
    struct Candidate {
        let rank: Int
        let position: Int
        let merged: Int

        func precedes(_ other: Candidate) -> Bool {
            (rank, position) < (other.rank, other.position)
        }
    }

    private var heap: [Candidate] = []

    mutating func insert(_ candidate: Candidate) {
        heap.append(candidate)
        var child = heap.count - 1
        while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func removeFirst() -> Candidate? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { return first }
            if child + 1 < heap.count, heap[child + 1].precedes(heap[child]) { child += 1 }
            guard heap[child].precedes(heap[parent]) else { return first }
            heap.swapAt(parent, child)
            parent = child
        }
    }
}

/// Cuts normalised text into CLIP's words: English contractions, runs of letters, single digits, runs of
/// anything else but white space.
private struct WordSplitter {
    private enum Kind { case letter, number, space, other }

    private let scalars: ArraySlice<Unicode.Scalar>
    private var position: Int

    init(scalars: ArraySlice<Unicode.Scalar>) {
        self.scalars = scalars
        position = scalars.startIndex
    }

    private static let contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].map {
        Array($0.unicodeScalars)
    }
    /// The special tokens' texts are one word to the first of the original's two splits and these to the
    /// second.
    private static let markers = ["startoftext", "endoftext"].map { name in
        (whole: Array("<|\(name)|>".unicodeScalars), name: name.unicodeScalars.count)
    }
    /// What is left to hand out of a marker.
    private var ends: [Int] = []

    mutating func next() -> ArraySlice<Unicode.Scalar>? {
        if let end = ends.first {
            ends.removeFirst()
            return take(to: end)
        }
        while position < scalars.endIndex, Self.kind(scalars[position]) == .space { position += 1 }
        guard position < scalars.endIndex else { return nil }
        let rest = scalars[position...]
        if let marker = Self.markers.first(where: { rest.starts(with: $0.whole) }) {
            let end = position + marker.whole.count
            ends = [end - 2, end]
            return take(to: position + 2)
        }
        if let contraction = Self.contractions.first(where: { rest.starts(with: $0) }) {
            return take(to: position + contraction.count)
        }
        let kind = Self.kind(scalars[position])
        guard kind != .number else { return take(to: position + 1) }
        return take(to: rest.firstIndex { Self.kind($0) != kind } ?? scalars.endIndex)
    }

    private mutating func take(to end: Int) -> ArraySlice<Unicode.Scalar> {
        defer { position = end }
        return scalars[position..<end]
    }

    private static func kind(_ scalar: Unicode.Scalar) -> Kind {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: .letter
        case .decimalNumber, .letterNumber, .otherNumber: .number
        default: scalar.properties.isWhitespace ? .space : .other
        }
    }
}
