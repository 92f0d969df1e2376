import Farm
import FarmProtocol
import Testing

@Suite struct FarmCodecTests {
    @Test(arguments: Samples.messages)
    func everyMessageSurvivesTheWire(message: FarmMessage) throws {
        #expect(try FarmCodec.decode(FarmCodec.encode(message)) == message)
    }

    @Test(arguments: Samples.messages + Samples.hot)
    func bothWaysOfTheCodecAgree(message: FarmMessage) throws {
        let bytes = try FarmCodec.encodeGenerated(message)
        #expect(try FarmCodec.encode(message) == bytes)
        #expect(try FarmCodec.decode(bytes) == FarmCodec.decodeGenerated(bytes))
    }

    @Test func bytesThatAreNoMessageAreRefused() {
        #expect(throws: CodecError.malformed) { try FarmCodec.decode([0xff, 0xff, 0xff]) }
        #expect(throws: CodecError.unsupportedVersion(0)) { try FarmCodec.decode([]) }
        #expect(throws: CodecError.unsupportedVersion(9)) { try FarmCodec.decode([0x08, 9]) }
        #expect(throws: CodecError.unknownMessage) { try FarmCodec.decode([0x08, 1]) }
    }

    @Test func aLongMessageIsRefusedBeforeItIsRead() {
        let bytes = [UInt8](repeating: 0, count: Limits.controlMessageBytes + 1)
        #expect(throws: CodecError.tooLarge(bytes: bytes.count, limit: Limits.controlMessageBytes)) {
            try FarmCodec.decode(bytes)
        }
    }

    @Test func aMessageBeyondTheSocketsLimitIsNotMade() {
        let request = ImageRequest(
            prompt: String(repeating: "x", count: Limits.promptBytes), seed: 1,
            options: RenderOptions(size: 64))
        let message = FarmMessage.request(
            number: 1,
            .submitImages(Samples.submission, first: 0, images: Array(repeating: request, count: 100)))
        #expect(throws: CodecError.self) { try FarmCodec.encode(message) }
    }

    @Test(arguments: Samples.outOfBounds)
    func fieldsOutOfBoundsAreNamed(message: FarmMessage, field: String) throws {
        let bytes = try FarmCodec.encode(message)
        #expect(throws: CodecError.badField(field)) { try FarmCodec.decode(bytes) }
    }

    @Test func textsForPeopleAreCutVisibly() throws {
        let long = String(repeating: "é", count: Limits.textBytes)
        let message = FarmMessage.report(
            .failed(TaskFailure(lease: Samples.lease, kind: .application, message: long)))
        guard case .report(.failed(let failure)) = try FarmCodec.decode(FarmCodec.encode(message)) else {
            Issue.record("decoded to another message")
            return
        }
        #expect(failure.message.utf8.count <= Limits.textBytes)
        #expect(failure.message.hasSuffix("é…"))
    }

    @Test func mutatedMessagesNeverTrap() throws {
        var state: UInt64 = 20_260_726
        for message in Samples.messages {
            let bytes = try FarmCodec.encode(message)
            for _ in 0..<200 where !bytes.isEmpty {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                var mutated = bytes
                mutated[Int(state >> 33) % bytes.count] = UInt8(truncatingIfNeeded: state >> 24)
                if state >> 60 == 0 { mutated.removeLast(Int(state >> 40) % bytes.count) }
                if let decoded = try? FarmCodec.decode(mutated) {
                    _ = try FarmCodec.encode(decoded)
                }
            }
        }
    }

    @Test func everyErrorSaysASentence() {
        let errors: [CodecError] = [
            .malformed, .tooLarge(bytes: 2, limit: 1), .unsupportedVersion(2), .unknownMessage,
            .badField("x"),
        ]
        for error in errors {
            #expect(error.description.hasSuffix("."))
        }
    }
}
