import Farm
import FarmProtocol
import Testing

@Suite struct BundleTests {
    private static let beats = [FarmMessage](repeating: .report(.heartbeat), count: 3)

    @Test func messagesTravelTogetherAndInOrder() throws {
        let packed = try FarmCodec.pack(Samples.messages, version: 2)
        #expect(packed.count == 1)
        #expect(packed.first?.count == Samples.messages.count)
        #expect(try FarmCodec.unpack(#require(packed.first).bytes) == Samples.messages)
    }

    @Test func theFormerVersionGetsThemOneByOne() throws {
        let packed = try FarmCodec.pack(BundleTests.beats, version: 1)
        let single = try FarmCodec.encode(.report(.heartbeat))
        #expect(packed.map(\.bytes) == [single, single, single])
        #expect(packed.map(\.count) == [1, 1, 1])
    }

    @Test func oneAloneIsNoBundle() throws {
        let packed = try FarmCodec.pack([.report(.heartbeat)], version: 2)
        #expect(try packed.map(\.bytes) == [FarmCodec.encode(.report(.heartbeat))])
        #expect(try FarmCodec.unpack(packed[0].bytes) == [.report(.heartbeat)])
        #expect(try FarmCodec.pack([], version: 2).isEmpty)
    }

    @Test func bundlesKeepToTheirBounds() throws {
        let many = [FarmMessage](repeating: .report(.heartbeat), count: 2 * Limits.messagesPerBundle + 1)
        let byCount = try FarmCodec.pack(many, version: 2).map(\.count)
        #expect(byCount == [Limits.messagesPerBundle, Limits.messagesPerBundle, 1])
        let long = ImageRequest(
            prompt: String(repeating: "x", count: Limits.promptBytes), seed: 1,
            options: RenderOptions(size: 64))
        let images = ClientRequest.submitImages(Samples.submission, first: 0, images: [long])
        let image = FarmMessage.request(number: 1, images)
        let packed = try FarmCodec.pack([FarmMessage](repeating: image, count: 10), version: 2)
        #expect(packed.map(\.count) == [3, 3, 3, 1])
        #expect(packed.allSatisfy { $0.bytes.count <= Limits.bundleBytes + 64 })
        #expect(try packed.flatMap { try FarmCodec.unpack($0.bytes) }.count == 10)
    }

    @Test func aBundleOfWhichOneIsBrokenCountsForNothing() throws {
        var bytes = try #require(try FarmCodec.pack(BundleTests.beats, version: 2).first).bytes
        bytes[bytes.count - 2] = 0x7f  // the last heartbeat's field has a wire type that does not exist
        #expect(throws: CodecError.malformed) { try FarmCodec.unpack(bytes) }
    }

    @Test func bundlesInBundlesAndTooManyAreRefused() throws {
        let beat = try FarmCodec.encode(.report(.heartbeat))
        func bundle(_ parts: [[UInt8]]) -> [UInt8] {
            var body: [UInt8] = []
            for part in parts { body += [0x0a, UInt8(part.count)] + part }
            // Field 90, in bytes; lengths here are below 2^14.
            let length = [UInt8(body.count & 0x7f) | 0x80, UInt8(body.count >> 7)]
            return [0x08, 1, 0xd2, 0x05] + length + body
        }
        #expect(try FarmCodec.unpack(bundle([beat, beat])) == Array(BundleTests.beats.prefix(2)))
        #expect(throws: CodecError.unknownMessage) { try FarmCodec.unpack(bundle([bundle([beat, beat])])) }
        #expect(throws: CodecError.malformed) { try FarmCodec.unpack(bundle([])) }
        let many = [[UInt8]](repeating: beat, count: Limits.messagesPerBundle + 1)
        #expect(throws: CodecError.badField("bundle")) { try FarmCodec.unpack(bundle(many)) }
        // Who knows no bundles takes it for a message that it does not know.
        #expect(throws: CodecError.unknownMessage) { try FarmCodec.decode(bundle([beat, beat])) }
    }

    @Test func mutatedBundlesNeverTrap() throws {
        let all = Samples.messages + Samples.hot
        let samples = try all.indices.map { start in
            let messages = (0..<3).map { all[(start + $0) % all.count] }
            return try #require(try FarmCodec.pack(messages, version: 2).first).bytes
        }
        var random = Mutations(seed: 20_261_123)
        var understood = 0
        for round in 0..<100_000 {
            var bytes = samples[round % samples.count]
            for _ in 0...random.below(3) { random.mutate(&bytes, mixing: samples) }
            guard let messages = try? FarmCodec.unpack(bytes) else { continue }
            understood += 1
            let again = try FarmCodec.pack(messages, version: 2)
            #expect(try again.flatMap { try FarmCodec.unpack($0.bytes) } == messages)
        }
        #expect((100..<100_000).contains(understood))
    }
}
