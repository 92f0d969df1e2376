import Farm
import FarmProtocol
import Foundation
import Testing

/// Bytes that somebody made up: the decoder refuses or understands them, both its ways say the same, and
/// nothing traps or grows.
@Suite struct FuzzTests {
    private static let rounds = 100_000

    @Test func mutatedMessagesNeverTrapAndBothWaysAgree() throws {
        let samples = try (Samples.messages + Samples.hot).map { try FarmCodec.encode($0) }
        var random = Mutations(seed: 20_261_121)
        var understood = 0
        for round in 0..<FuzzTests.rounds {
            var bytes = samples[round % samples.count]
            for _ in 0...random.below(4) { random.mutate(&bytes, mixing: samples) }
            let message = outcome { () throws(CodecError) in try FarmCodec.decode(bytes) }
            #expect(message == outcome { () throws(CodecError) in try FarmCodec.decodeGenerated(bytes) })
            guard case .success(let message) = message else { continue }
            understood += 1
            let again = try FarmCodec.encode(message)
            #expect(try FarmCodec.decode(again) == message)
        }
        #expect((1000..<FuzzTests.rounds).contains(understood))
    }

    /// In a process of its own: what other tests of this one allocate is not the decoder's.
    @Test func mutatedMessagesDoNotGrowTheProcess() async {
        await #expect(processExitsWith: .success) {
            let samples = try (Samples.messages + Samples.hot).map { try FarmCodec.encode($0) }
            var random = Mutations(seed: 20_261_122)
            let before = FuzzTests.residentBytes()
            for round in 0..<FuzzTests.rounds {
                var bytes = samples[round % samples.count]
                for _ in 0...random.below(4) { random.mutate(&bytes, mixing: samples) }
                _ = try? FarmCodec.decode(bytes)
            }
            let growth = FuzzTests.residentBytes() - before
            precondition(growth < 64 << 20, "\(growth) bytes")
        }
    }

    @Test func bytesOfChanceNeverTrap() {
        var random = Mutations(seed: 7)
        for _ in 0..<FuzzTests.rounds {
            let bytes = (0..<random.below(200)).map { _ in random.byte() }
            let message = outcome { () throws(CodecError) in try FarmCodec.decode(bytes) }
            #expect(message == outcome { () throws(CodecError) in try FarmCodec.decodeGenerated(bytes) })
        }
    }

    private func outcome(
        _ body: () throws(CodecError) -> FarmMessage
    ) -> Result<FarmMessage, CodecError> {
        Result(catching: body)
    }

    private static func residentBytes() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * 4096
    }
}

/// Changes to bytes as a seed says.
struct Mutations {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 11
    }

    mutating func below(_ limit: Int) -> Int { limit > 0 ? Int(next() % UInt64(limit)) : 0 }
    mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next() >> 20) }

    /// One change: a bit, a byte, a cut, a repeat, a long number, or a piece of another message.
    mutating func mutate(_ bytes: inout [UInt8], mixing others: [[UInt8]]) {
        guard !bytes.isEmpty else { return bytes.append(byte()) }
        let place = below(bytes.count)
        switch below(7) {
        case 0: bytes[place] ^= 1 << UInt8(below(8))
        case 1: bytes[place] = byte()
        case 2: bytes.removeSubrange(place...)
        case 3: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + below(40))], at: place)
        case 4:
            bytes.replaceSubrange(
                place...place, with: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1])
        case 5: bytes.remove(at: place)
        default:
            let other = others[below(others.count)]
            bytes.insert(contentsOf: other[below(other.count)...].prefix(60), at: place)
        }
    }
}
