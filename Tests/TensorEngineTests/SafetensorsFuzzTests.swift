import TensorEngine
import Testing

/// Headers that somebody made up: refused with an error, never a trap.
@Suite struct SafetensorsFuzzTests {
    @Test func mutatedHeadersNeverTrap() throws {
        let good = SafetensorsWriter.bytes([
            .init(name: "a", shape: [4], values: [1, 2, 3, 4]),
            .init(name: "é \"b\"", shape: [2, 2], values: [1, 2, 3, 4]),
        ])
        let others =
            SafetensorsTests.brokenFiles.map(\.bytes).filter { $0.count > 8 && $0.count < 4096 } + [good]
        var random = SplitMix64(state: 20_261_121)
        func below(_ limit: Int) -> Int { Int(random.next() % UInt64(max(1, limit))) }
        var opened = 0
        for round in 0..<100_000 {
            var bytes = others[round % others.count]
            for _ in 0...below(3) where bytes.count > 8 {
                let place = 8 + below(bytes.count - 8)
                switch below(5) {
                case 0: bytes[place] ^= 1 << UInt8(below(8))
                case 1: bytes[place] = UInt8(below(256))
                case 2: bytes[below(8)] = UInt8(below(256))
                case 3:
                    bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + below(30))], at: place)
                default: bytes.remove(at: place)
                }
            }
            guard let file = try? SafetensorsTests.open(bytes) else { continue }
            opened += 1
            for name in ["a", "é \"b\""] { _ = try? file.floats(name) }
        }
        #expect((100..<100_000).contains(opened))
    }
}
