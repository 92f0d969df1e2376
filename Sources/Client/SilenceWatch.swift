/// Measures how long the coordinator has been silent.
struct SilenceWatch {
    private var start = ContinuousClock.now
    private let limit: Int64?
    private let options: FarmClient.Options
    private var isTold = false

    /// - Parameter limit: longest silence in milliseconds; nil: without limit.
    init(limit: Int64?, _ options: FarmClient.Options) {
        self.limit = limit
        self.options = options
    }

    /// Milliseconds of silence.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }

    /// Begins again: something was heard.
    mutating func reset() {
        start = ContinuousClock.now
        isTold = false
    }

    /// Whether the limit has passed. Without a limit the silence is told once.
    mutating func isOver() -> Bool {
        if let limit { return milliseconds >= limit }
        if !isTold && milliseconds >= options.patienceMilliseconds {
            isTold = true
            options.onSilence()
        }
        return false
    }
}
