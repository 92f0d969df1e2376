/// All chance of a simulated farm: the same seed draws the same numbers for ever (splitmix64).
struct Dice: Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// 64 bits.
    mutating func bits() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return Dice.mix(state)
    }

    /// A whole number of the range.
    mutating func draw(_ range: ClosedRange<Int>) -> Int {
        let width = UInt64(range.upperBound - range.lowerBound) + 1
        return range.lowerBound + Int(bits() % width)
    }

    /// Milliseconds of the range.
    mutating func time(_ range: ClosedRange<Int>) -> Int64 { Int64(draw(range)) }

    /// True in `share` of all cases.
    mutating func chance(_ share: Double) -> Bool {
        Double(bits() >> 11) * 0x1p-53 < share
    }

    /// One of the list.
    mutating func pick<Value>(_ list: [Value]) -> Value { list[draw(0...list.count - 1)] }

    static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}
