import Foundation

/// Shows how far long work is: a bar that redraws itself on a terminal, now and then a plain line elsewhere.
/// Everything goes to standard error, so that standard output stays clean for results.
struct ProgressBar {
    private let title: String
    private let unit: String
    private let isTerminal: Bool
    private let start = ContinuousClock.now
    private var lastDrawn: ContinuousClock.Instant?
    private var lastLine = ""

    /// How often it is drawn at most: a terminal can follow quickly, a log file should stay short.
    private var interval: Duration { isTerminal ? .milliseconds(100) : .seconds(10) }

    /// A bar named `title` that counts `unit`s, such as "images".
    init(title: String, unit: String, isTerminal: Bool = isatty(STDERR_FILENO) == 1) {
        self.title = title
        self.unit = unit
        self.isTerminal = isTerminal
    }

    /// Shows that `done` of `total` units are finished, with a `note` such as the running stage.
    /// `secondsLeft` overrides the estimate made from this bar's own rate.
    mutating func show(done: Double, total: Double, note: String = "", secondsLeft: Double? = nil) {
        let now = ContinuousClock.now
        if let lastDrawn, now - lastDrawn < interval { return }
        lastDrawn = now
        let seconds = (now - start) / .seconds(1)
        let left = secondsLeft ?? (done > 0 ? seconds / done * (total - done) : nil)
        draw(line(done: done, total: total, note: note, rate: done / max(seconds, 0.001), secondsLeft: left))
    }

    /// Leaves the bar's last state behind and moves on to a new line. Call it once, when the work ended.
    mutating func finish(_ summary: String) {
        if isTerminal { write("\r\u{1B}[K") }
        write(summary + "\n")
    }

    private func line(done: Double, total: Double, note: String, rate: Double, secondsLeft: Double?) -> String
    {
        var parts = [title]
        if isTerminal { parts.append(Self.bar(fraction: total > 0 ? done / total : 0, width: 24)) }
        parts.append("\(Int(done))/\(Int(total)) \(unit)")
        if rate > 0 { parts.append(String(format: rate < 10 ? "%.2f/s" : "%.0f/s", rate)) }
        if let secondsLeft, secondsLeft.isFinite { parts.append("\(Self.clock(secondsLeft)) left") }
        if !note.isEmpty { parts.append(note.onOneLine) }
        return parts.joined(separator: "  ")
    }

    private mutating func draw(_ line: String) {
        if isTerminal {
            write("\r\u{1B}[K" + line)
        } else if line != lastLine {
            write(line + "\n")
        }
        lastLine = line
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

    private static func bar(fraction: Double, width: Int) -> String {
        let filled = Int((min(max(fraction, 0), 1) * Double(width)).rounded(.down))
        return "[" + String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
            + "]"
    }

    /// Seconds as `0:07`, `12:30` or `3:05:00`.
    static func clock(_ seconds: Double) -> String {
        let whole = Int(min(max(seconds, 0).rounded(.up), 359_999))
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
        return hours > 0
            ? String(format: "%d:%02d:%02d", hours, minutes, rest) : String(format: "%d:%02d", minutes, rest)
    }
}
