import Diffusion
import Imaging
import Testing
import Worker

@Suite struct PictureRecordTests {
    @Test func roundTripsThroughAPNG() throws {
        let request = RenderRequest(
            prompt: "a \"red\" apple, 红苹果 / 🍎", seed: .max, size: 256, steps: ["prior": 3], guidance: 1.5)
        let record = PictureRecord(
            request: request, model: "emoji", modelHash: String(repeating: "a", count: 64))
        let image = try #require(PixelImage(width: 1, height: 1, rgb: [1, 2, 3]))
        let (_, texts) = try PNG.decode(PNG.encode(image, texts: record.texts))
        #expect(try PictureRecord(texts: texts) == record)
        #expect(record.texts == record.texts)
    }

    @Test(arguments: [
        ([PNGText](), PictureRecordError.missing),
        ([PNGText(keyword: "Title", text: "{}")], .missing),
        ([PNGText(keyword: "tessera", text: "{}")], .unreadable),
        ([PNGText(keyword: "tessera", text: "nonsense")], .unreadable),
    ])
    func refusesWhatIsNoRecord(texts: [PNGText], error: PictureRecordError) {
        #expect(throws: error) { try PictureRecord(texts: texts) }
    }

    @Test func refusesALaterVersion() throws {
        var record = PictureRecord(
            request: RenderRequest(prompt: "a", seed: 1, size: 64), model: "m", modelHash: "")
        record.tessera = 2
        #expect(throws: PictureRecordError.version(2)) { try PictureRecord(texts: record.texts) }
    }
}
