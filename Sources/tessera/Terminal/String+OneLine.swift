extension String {
    /// The text with spaces for control characters and line ends, which in texts from others could move the
    /// cursor or pretend to be another line.
    var onOneLine: String { String(map { $0.isNewline || $0.isControl ? " " : $0 }) }
}

extension Character {
    fileprivate var isControl: Bool { unicodeScalars.contains { $0.properties.generalCategory == .control } }
}
