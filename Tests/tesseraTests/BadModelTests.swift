import Foundation
import Testing

/// Model folders and output places that cannot be used.
struct BadModelTests {
    /// A copy of the shipped model that a test may damage, at `model` in the folder.
    private static func copyOfModel() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(at: Fixtures.model, to: folder.url("model"))
        return folder
    }

    private static func render(
        model: String, size: Int = 64, out: String? = nil, launcher: [String] = []
    ) throws -> TesseraProcess.Result {
        let folder = try TemporaryFolder()
        return try TesseraProcess(
            [
                "render", "a cat", "--model", model, "--size", "\(size)", "--steps", "prior=2", "--steps",
                "base64=2",
                "--out", out ?? folder.path("picture.png"),
            ], launcher: launcher
        ).wait()
    }

    @Test func aFolderWithoutWeights() throws {
        let folder = try Self.copyOfModel()
        let model = folder.path("model")
        try FileManager.default.removeItem(atPath: model + "/decoder/diffusion_pytorch_model.safetensors")
        let result = try withExtendedLifetime(folder) { try Self.render(model: model) }
        #expect(result.status == 64)
        #expect(result.error.contains(model + "/decoder"), "\(result.error)")
        #expect(result.error.contains("safetensors"))
    }

    @Test func noModelFolderAtAll() throws {
        let result = try Self.render(model: "/no/such/model")
        #expect(result.status == 64)
        #expect(result.error.contains("/no/such/model"), "\(result.error)")
    }

    @Test func aModelByNameWhoseSettingsAreBroken() throws {
        let folder = try Self.copyOfModel()
        let file = try folder.file("model/cascade.json", "{")
        let result = try TesseraProcess.run(
            "models", "inspect", "model", environment: ["TESSERA_MODELS": folder.url.path()])
        #expect(result.status == 64)
        #expect(result.error.contains(file), "\(result.error)")
    }

    @Test func aPipeInPlaceOfWeights() throws {
        let folder = try Self.copyOfModel()
        let file = folder.path("model/prior/diffusion_pytorch_model.safetensors")
        try FileManager.default.removeItem(atPath: file)
        #expect(mkfifo(file, 0o600) == 0)
        let result = try withExtendedLifetime(folder) { try Self.render(model: folder.path("model")) }
        #expect(result.status == 64)
        #expect(
            result.error.contains("\(file): cannot be read: it is not a regular file."), "\(result.error)")
    }

    @Test(arguments: [3, 200, 100_000])
    func truncatedSafetensors(length: Int) throws {
        let folder = try Self.copyOfModel()
        let model = folder.path("model")
        let file = model + "/prior/diffusion_pytorch_model.safetensors"
        try FileHandle(forWritingTo: URL(filePath: file)).truncate(atOffset: UInt64(length))
        let result = try withExtendedLifetime(folder) { try Self.render(model: model) }
        #expect(result.status == 64)
        #expect(result.error.contains(file), "\(result.error)")
    }

    @Test func aTensorOfAnotherShape() throws {
        let folder = try Self.copyOfModel()
        let config = folder.url("model/super_res_first/config.json")
        let text = try String(contentsOf: config, encoding: .utf8).replacing("[\n    32,", with: "[\n    48,")
        try text.write(to: config, atomically: true, encoding: .utf8)
        let result = try withExtendedLifetime(folder) {
            try Self.render(model: folder.path("model"), size: 256)
        }
        #expect(result.status == 64)
        #expect(result.error.contains("super_res_first/"), "\(result.error)")
        #expect(result.error.contains("time_embedding.linear_1.weight"))
        #expect(result.error.contains("[128, 32]"))
        #expect(result.error.contains("[192, 48]"))
    }

    @Test func anOutputPlaceThatCannotBeWritten() throws {
        let result = try Self.render(model: Fixtures.model.path(), out: "/proc/picture.png")
        #expect(result.status == 1)
        #expect(result.error.contains("/proc/picture.png"), "\(result.error)")
    }

    @Test func anOutputFolderThatIsNotThere() throws {
        let result = try Self.render(model: Fixtures.model.path(), out: "/no/such/folder/picture.png")
        #expect(result.status == 64)
        #expect(result.error.contains("there is no folder /no/such/folder"), "\(result.error)")
    }

    @Test(arguments: [
        ("", "has no name"), ("/dev/null", "/dev/null"), ("/tmp", "/tmp cannot"), ("/tmp/no/", "/tmp/no/"),
    ])
    func anOutputThatIsNoFile(out: String, sentence: String) throws {
        let result = try Self.render(model: "/no/such/model", out: out)
        #expect(result.status == 64)
        #expect(result.error.contains(sentence), "\(result.error)")
        #expect(!result.error.contains("/no/such/model"))
    }

    @Test func anOutputPipeStaysOne() throws {
        let folder = try TemporaryFolder()
        let pipe = folder.path("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        let result = try Self.render(model: "/no/such/model", out: pipe)
        #expect(result.status == 64)
        #expect(result.error.contains("\(pipe) cannot be written: it is"), "\(result.error)")
    }

    /// A 64 KiB file system that is full after the first block, in a mount namespace of its own.
    @Test func aFullDiskLeavesNothingBehind() throws {
        let folder = try TemporaryFolder()
        let mount = folder.path("small")
        try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: true)
        let script = """
            mount -t tmpfs -o size=64k tmpfs "\(mount)" || exit 99
            head -c 61440 /dev/zero > "\(mount)/filler" || exit 99
            "$@"; status=$?; ls "\(mount)" >&2; exit $status
            """
        let result = try Self.render(
            model: Fixtures.model.path(), out: mount + "/picture.png",
            launcher: ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"])
        #expect(result.status == 1, "\(result.error)")
        #expect(result.error.contains("No space left on device"), "\(result.error)")
        #expect(result.error.contains("filler"))
        #expect(!result.error.contains("partial"))
    }

    @Test func aPromptThatIsTooLongIsTruncatedWithAWarning() throws {
        let folder = try TemporaryFolder()
        let prompt = String(repeating: "a very red star ", count: 60)
        let result = try TesseraProcess.run(
            "render", prompt, "--model", Fixtures.model.path(), "--size", "64", "--steps", "prior=2",
            "--steps",
            "base64=2", "--out", folder.path("picture.png"))
        #expect(result.status == 0, "\(result.error)")
        #expect(result.error.contains("warning: The prompt is too long for this model by 330 tokens"))
    }
}
