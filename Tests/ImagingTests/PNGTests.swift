import Imaging
import Testing

struct PNGTests {
    /// A picture whose every byte differs from its neighbours'.
    private static func sample(width: Int, height: Int) -> PixelImage? {
        let rgb = (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 &* 73 &+ $0 >> 5) }
        return PixelImage(width: width, height: height, rgb: rgb)
    }

    @Test(arguments: [(1, 1), (3, 5), (64, 64), (257, 2)])
    func roundTripKeepsPixelsAndText(width: Int, height: Int) throws {
        let image = try #require(Self.sample(width: width, height: height))
        let texts = [
            PNGText(keyword: "tessera", text: #"{"prompt":"黄色背景上的企鹅"}"#),
            PNGText(keyword: "Title", text: ""),
        ]
        let decoded = try PNG.decode(PNG.encode(image, texts: texts))
        #expect(decoded.image == image)
        #expect(decoded.texts == texts)
    }

    @Test func pixelHashIsThatOfTheRawBytes() throws {
        let image = try #require(PixelImage(width: 1, height: 1, rgb: [97, 98, 99]))
        // SHA-256 of "abc", FIPS 180-2 appendix B.1
        #expect(image.pixelHash == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test(arguments: [(0, 1, 0), (2, 2, 11), (PNG.maximumSide + 1, 1, (PNG.maximumSide + 1) * 3)])
    func impossibleSizesAreRefused(width: Int, height: Int, count: Int) {
        #expect(PixelImage(width: width, height: height, rgb: [UInt8](repeating: 0, count: count)) == nil)
    }

    @Test func everyTruncationIsAnErrorAndNoTrap() throws {
        let image = try #require(Self.sample(width: 9, height: 7))
        let whole = try PNG.encode(image, texts: [PNGText(keyword: "tessera", text: "{}")])
        // The last 12 bytes are the empty IEND chunk.
        for length in stride(from: 0, to: whole.count - 12, by: 7) {
            #expect(throws: PNGError.self) { try PNG.decode(Array(whole.prefix(length))) }
        }
    }

    @Test func otherBytesAreNamedForWhatTheyAre() {
        #expect(throws: PNGError.unreadable(reason: "it is not a PNG file")) {
            try PNG.decode(Array("GIF89a and more".utf8))
        }
    }

    @Test func aTextWithoutKeywordIsRefused() throws {
        let image = try #require(Self.sample(width: 2, height: 2))
        let bytes = try PNG.encode(image, texts: [PNGText(keyword: "a", text: "b")])
        var broken = bytes
        let keyword = try #require(broken.firstRange(of: Array("iTXta".utf8)))
        broken[keyword.upperBound - 1] = 0
        // The checksum no longer fits: libpng drops or refuses the chunk, and the pixels must not suffer.
        if let decoded = try? PNG.decode(broken) {
            #expect(decoded.image == image)
            #expect(decoded.texts.isEmpty)
        }
    }
}
