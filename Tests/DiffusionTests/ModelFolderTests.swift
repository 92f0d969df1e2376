import Diffusion
import Foundation
import TensorEngine
import Testing

@Suite struct ModelFolderTests {
    @Test func readsTheShippedModel() throws {
        let cascade = try TestModel.cascade()
        let description = cascade.description
        #expect(description.name == "emoji")
        #expect(description.stages.map(\.name) == ["prior", "base64", "up256", "up1024"])
        #expect(description.stages.map(\.steps) == [25, 25, 4, 2])
        #expect(description.sizes == [64, 256, 1024])
        #expect(description.stages.map { $0.guidance != nil } == [true, true, false, false])
        #expect(cascade.tokenizer.length == cascade.textEncoder.positions)
        #expect(cascade.usedFiles.contains("super_res_1024/diffusion_pytorch_model.safetensors"))
        #expect(!cascade.usedFiles.contains { $0.hasPrefix("image_encoder") })
    }

    @Test func stagesEndWithTheSize() throws {
        let description = try TestModel.cascade().description
        #expect(try description.stages(forSize: 64).map(\.name) == ["prior", "base64"])
        #expect(try description.stages(forSize: 256).map(\.name) == ["prior", "base64", "up256"])
        let error = try #require(throws: CascadeError.self) { try description.stages(forSize: 300) }
        #expect(error.description == "Model emoji makes no pictures of size 300; ask for 64, 256 or 1024.")
    }

    /// What `cd weights/emoji && sha256sum FILES | sha256sum` prints.
    @Test func hashIsWhatSha256sumGives() throws {
        let cascade = try TestModel.cascade()
        let shell = Process()
        shell.executableURL = URL(filePath: "/bin/sh")
        shell.arguments =
            ["-c", "cd \"$0\" && sha256sum \"$@\" | sha256sum", cascade.folder] + cascade.usedFiles
        let output = Pipe()
        shell.standardOutput = output
        try shell.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        shell.waitUntilExit()
        #expect(text.prefix(64) == cascade.description.hash)
    }

    @Test func hashFollowsContents() throws {
        let original = try TestModel.cascade().description.hash
        #expect(try ChangedModel([:]).cascade().description.hash == original)
        let other = try ChangedModel(["cascade.json": .replacing("1.5", "1.6")])
        #expect(try other.cascade().description.hash != original)
        let unused = try ChangedModel(["README.md": .removed, "image_encoder/model.safetensors": .removed])
        #expect(try unused.cascade().description.hash == original)
    }

    @Test func aPlainFolderGetsTheStandardCascade() throws {
        let last = "super_res_last"
        let plain = try ChangedModel(["cascade.json": .removed])
        try FileManager.default.createSymbolicLink(
            atPath: "\(plain.folder)/\(last)", withDestinationPath: "\(plain.folder)/super_res_first")
        let description = try plain.cascade().description
        #expect(
            description.stages == [
                StageDescription(name: "prior", steps: 25, guidance: 4),
                StageDescription(name: "base64", steps: 25, guidance: 8, size: 64),
                StageDescription(name: "up256", steps: 7, size: 256),
            ])
        #expect(plain.folder.hasSuffix(description.name))
    }

    @Test func weightsInShards() throws {
        let folder = try ChangedModel([
            "text_proj/diffusion_pytorch_model.safetensors": .removed,
            "text_proj/a.safetensors": .bytes(
                SafetensorsWriter.bytes([.init(name: "x", shape: [2], values: [1, 2])])),
            "text_proj/b.safetensors": .bytes(
                SafetensorsWriter.bytes([.init(name: "y", shape: [1, 1], values: [3])])),
            "text_proj/diffusion_pytorch_model.safetensors.index.json": .text(
                "{\"weight_map\":{\"x\":\"a.safetensors\",\"y\":\"b.safetensors\"}}"
            ),
        ])
        let weights = try ComponentWeights(folder: folder.folder + "/text_proj")
        #expect(weights.names == ["x", "y"])
        #expect(try weights.weights("x", shape: [2]).floats() == [1, 2])
        #expect(try weights.weights("y", shape: [1, 1]).floats() == [3])
        #expect(weights.has("x") && !weights.has("z"))
        let error = try #require(throws: ModelError.self) { try weights.weights("y", shape: [1]) }
        // The text uses the folder's name, so the folder is still there while the weights are read.
        #expect(
            error.description
                == "\(folder.folder)/text_proj/b.safetensors: tensor “y” has shape [1, 1],"
                + " but its config.json calls for [1].")
    }

    @Test func inspects() throws {
        let inspection = try ModelInspection(TestModel.cascade())
        #expect(
            inspection.components.map(\.name) == [
                "decoder", "prior", "super_res_1024", "super_res_first", "text_encoder", "text_proj",
            ])
        #expect(inspection.components.allSatisfy { $0.types == ["F16"] && $0.bytes > 2 * $0.parameters })
        #expect((15_000_000..<30_000_000).contains(inspection.parameters))
    }

    @Test func findsModels() throws {
        let folder = (TestModel.folder as NSString).deletingLastPathComponent
        let models = ModelLibrary.list(in: [folder, "/nonexistent"])
        #expect(models.contains { $0.name == "emoji" && $0.sizes == [64, 256, 1024] && $0.problem == nil })
        #expect(ModelLibrary.list(in: [TestModel.folder]).count == 1)
        let found = try ModelLibrary.folder(of: "emoji", in: [folder])
        #expect(try Cascade(folder: found).description.name == "emoji")
        #expect(try ModelLibrary.folder(of: "some/folder", in: []) == "some/folder")

        let error = try #require(throws: ModelError.self) {
            try ModelLibrary.folder(of: "karlo", in: [TestModel.folder])
        }
        #expect(
            error.description == "There is no model karlo; there is emoji. Name one, or a model's folder.")
        let none = try #require(throws: ModelError.self) {
            try ModelLibrary.folder(of: "karlo", in: ["/nonexistent"])
        }
        #expect(
            none.description
                == "There is no model karlo: no models were found in /nonexistent. Name a model's folder,"
                + " or set TESSERA_MODELS to a folder of models.")
    }

    @Test func looksWhereTheEnvironmentSays() {
        let folders = ModelLibrary.searchFolders(
            environment: ["TESSERA_MODELS": "/a:/b"], program: "/opt/tessera/bin/tessera")
        #expect(folders == ["/a", "/b", "weights", "/opt/tessera/bin/weights"])
    }
}

/// Requests that a cascade refuses.
@Suite struct RequestTests {
    struct Refused: Sendable {
        let message: String
        let change: @Sendable (inout RenderRequest) -> Void
    }

    static let table = [
        Refused(message: "Model emoji makes no pictures of size 300; ask for 64, 256 or 1024.") {
            $0.size = 300
        },
        Refused(message: "Model emoji makes no pictures of size 0; ask for 64, 256 or 1024.") { $0.size = 0 },
        Refused(message: "The prompt has 65537 bytes; at most 65536 are allowed.") {
            $0.prompt = String(repeating: "a", count: 65_537)
        },
        Refused(message: "The prompt holds a null character (U+0000); remove it.") { $0.prompt = "a\0b" },
        Refused(
            message: "Steps are given for stage “x4”, but model emoji has only the stages"
                + " prior, base64, up256 or up1024."
        ) { $0.steps = ["x4": 5] },
        Refused(message: "Stage prior cannot run 1 steps; ask for 2 to 1000.") { $0.steps = ["prior": 1] },
        Refused(message: "Stage prior cannot run -3 steps; ask for 2 to 1000.") { $0.steps = ["prior": -3] },
        Refused(message: "Stage up256 cannot run 1001 steps; ask for 2 to 1000.") {
            $0.steps = ["up256": 1001]
        },
        Refused(message: "Guidance -1.0 is out of range; ask for a number from 0 to 50.") {
            $0.guidance = -1
        },
        Refused(message: "Guidance inf is out of range; ask for a number from 0 to 50.") {
            $0.guidance = .infinity
        },
        Refused(message: "Guidance nan is out of range; ask for a number from 0 to 50.") {
            $0.guidance = .nan
        },
    ]

    @Test(arguments: table.indices) func saysWhatIsWrong(_ index: Int) throws {
        let refused = Self.table[index]
        var request = RenderRequest(prompt: "a strawberry", seed: 1, size: 64)
        refused.change(&request)
        let cascade = try TestModel.cascade()
        let error = try #require(throws: CascadeError.self) { try request.check(for: cascade) }
        #expect(error.description == refused.message)
    }

    @Test func acceptsTheRest() throws {
        let cascade = try TestModel.cascade()
        var request = RenderRequest(
            prompt: "", seed: .max, size: 1024, steps: ["prior": 2, "up1024": 1000], guidance: 0)
        try request.check(for: cascade)
        request.precision = .fast
        request.prompt = String(repeating: "熊", count: 21_845)
        try request.check(for: cascade)
    }
}
