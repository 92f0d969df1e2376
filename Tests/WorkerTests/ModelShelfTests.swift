import Diffusion
import Farm
import Testing
import Worker

@Suite struct ModelShelfTests {
    private let stages = [
        StageDescription(name: "prior", steps: 25),
        StageDescription(name: "base64", steps: 25, guidance: 8, size: 64),
    ]

    @Test func cascadeIsAnnouncedInTheFarmsWords() throws {
        let hash = String(repeating: "ab", count: 32)
        let cascade = CascadeDescription(name: "emoji", version: 3, hash: hash, stages: stages)
        let announcement = try #require(ModelAnnouncement(cascade))
        #expect(announcement.key.description == "emoji@" + hash)
        #expect(announcement.version == "3")
        #expect(announcement.sizes == [64])
        #expect(announcement.stages.map(\.name.text) == ["prior", "base64"])
        #expect(announcement.stages.map(\.guidance) == [nil, 8])
        #expect(announcement.plan(for: RenderOptions(size: 64))?.stages.map(\.steps) == [25, 25])
    }

    @Test func brokenHashIsNotAnnounced() {
        let cascade = CascadeDescription(name: "emoji", version: 3, hash: "zz", stages: stages)
        #expect(ModelAnnouncement(cascade) == nil)
    }

    @Test func folderWithoutAModelIsRefused() {
        #expect(throws: ModelError.self) { try ModelShelf(folders: ["/no/such/model"]) }
    }
}
