import Client
import Farm
import Foundation
import Testing
import ZeroMQ

@Suite struct FetchTests {
    private let context: Context
    private let farm: FakeFarm
    private let root = FileManager.default.temporaryDirectory.appending(path: "fetch-\(UUID().uuidString)")
        .path

    init() throws {
        context = try Context()
        farm = try FakeFarm(context)
    }

    static func images(_ count: Int) -> [ImageStatus] {
        (0..<count).map { index in
            ImageStatus(
                index: index,
                request: ImageRequest(prompt: "prompt \(index)", seed: 9, options: RenderOptions(size: 64)),
                state: .waiting, picture: nil, pixels: nil, stages: [], error: nil, warnings: [])
        }
    }

    private func bytes(_ index: Int) -> [UInt8] {
        (0..<40).map { UInt8(truncatingIfNeeded: index &* 7 &+ $0) }
    }

    private func file(_ name: String) -> [UInt8]? {
        FileManager.default.contents(atPath: "\(root)/out/\(name)").map { [UInt8]($0) }
    }

    /// The folder's files but its mark.
    private func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root + "/out").sorted()
            .filter { $0 != PictureFolder.markName }
    }

    /// A folder with some files that another hand made, and the mark of `mark`.
    private func makeFolder(_ names: [String], mark: String?) throws {
        try FileManager.default.createDirectory(atPath: root + "/out", withIntermediateDirectories: true)
        for name in names { try Data([7]).write(to: URL(filePath: root + "/out/" + name)) }
        let file = URL(filePath: root + "/out/" + PictureFolder.markName)
        if let mark { try Data(mark.utf8).write(to: file) }
    }

    private func clean() {
        try? FileManager.default.removeItem(atPath: root)
    }

    private func fetch(wait: Bool = false) throws -> FetchProgress {
        let client = try FarmClient(farm.endpoint, context: context)
        return try client.fetch(JobID(1), into: PictureFolder(path: root + "/out"), wait: wait)
    }

    @Test func writesPicturesAndManifest() throws {
        defer { clean() }
        farm.with { state in
            state.images = FetchTests.images(3)
            state.finish(0, bytes: bytes(0))
            state.images[1].state = .failed
            state.images[1].error = "No paint."
            state.finish(2, bytes: bytes(2))
        }
        let progress = try fetch()
        #expect(progress.written == 2)
        #expect(progress.status.images.failed == 1)
        #expect(try names() == ["000001.png", "000003.png", "manifest.jsonl"])
        #expect(file("000001.png") == bytes(0))
        #expect(file("000003.png") == bytes(2))
        let manifest = String(decoding: try #require(file("manifest.jsonl")), as: UTF8.self)
        let lines = manifest.split(separator: "\n")
        #expect(lines.count == 3)
        let first = try #require(
            try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: Any])
        #expect(first["image"] as? Int == 1)
        #expect(first["file"] as? String == "000001.png")
        #expect(first["state"] as? String == "done")
        #expect(first["prompt"] as? String == "prompt 0")
        #expect(first["seed"] as? Int == 9)
        #expect(first["modelHash"] as? String == Digest.zero.hex)
        #expect((first["pixels"] as? String)?.count == 64)
        let stages = try #require(first["stages"] as? [[String: Any]])
        #expect(stages.first?["worker"] as? String == "w1")
        #expect(stages.first?["seconds"] as? Double == 2.5)
        #expect(lines[1].contains(#""error":"No paint.""#))
        #expect(lines[1].contains(#""state":"failed""#))
    }

    @Test func fetchesOnlyWhatIsMissingOrWrong() throws {
        defer { clean() }
        farm.with { state in
            state.images = FetchTests.images(3)
            for index in 0..<3 { state.finish(index, bytes: bytes(index)) }
        }
        #expect(try fetch().written == 3)
        try Data([1, 2]).write(to: URL(filePath: root + "/out/000002.png"))
        let progress = try fetch()
        #expect(progress.written == 1)
        #expect(progress.present == 2)
        #expect(file("000002.png") == bytes(1))
    }

    /// The fake farm is farm 1, and its job is job 1.
    @Test(arguments: [
        (["000001.png"], "farm 1 job 2\n", "000001.png of job 2"),
        (["manifest.jsonl"], "farm 1 job 2\n", "manifest.jsonl of job 2"),
        (["000009.png", "manifest.jsonl"], "farm 2 job 1\n", "000009.png of job 1 of another farm"),
        (["1000000.png"], nil, "1000000.png of an unknown job"),
        (["000001.png"], "farm 1 job 1", "000001.png of an unknown job"),
    ])
    func aFolderOfAnotherJobStaysAsItIs(files: [String], mark: String?, owned: String) throws {
        defer { clean() }
        farm.with { state in
            state.images = FetchTests.images(1)
            state.finish(0, bytes: bytes(0))
        }
        try makeFolder(files, mark: mark)
        let error = #expect(throws: ClientError.self) { try fetch() }
        #expect(
            error?.description
                == "The output folder \(root)/out holds \(owned), and fetching could overwrite it. "
                + "Choose another with --out.")
        #expect(try names() == files)
        #expect(files.allSatisfy { file($0) == [7] })
        #expect(file(PictureFolder.markName) == mark.map { Array($0.utf8) })
        #expect(throws: ClientError.self) {
            try PictureFolder(path: root + "/out").check(for: nil, of: FarmID(1))
        }
    }

    /// Other files, or the mark of pictures that were taken away, keep nobody out.
    @Test(arguments: [nil, "farm 1 job 1\n", "farm 1 job 2\n", "farm 1 jo"])
    func aFolderWithoutPicturesIsAnybodys(mark: String?) throws {
        defer { clean() }
        farm.with { state in
            state.images = FetchTests.images(1)
            state.finish(0, bytes: bytes(0))
        }
        try makeFolder(["1.png", "notes.txt", "cat.png"], mark: mark)
        try PictureFolder(path: root + "/out").check(for: nil, of: FarmID(1))
        #expect(try fetch().written == 1)
        #expect(file(PictureFolder.markName) == Array("farm 1 job 1\n".utf8))
        #expect(file("cat.png") == [7])
    }

    @Test func anUnfinishedFetchGoesOn() throws {
        defer { clean() }
        farm.with { state in
            state.images = FetchTests.images(2)
            for index in 0..<2 { state.finish(index, bytes: bytes(index)) }
        }
        #expect(try fetch().written == 2)
        for name in ["000002.png", "manifest.jsonl"] {
            try FileManager.default.removeItem(atPath: root + "/out/" + name)
        }
        let progress = try fetch()
        #expect(progress.written == 1)
        #expect(progress.present == 1)
        #expect(try names() == ["000001.png", "000002.png", "manifest.jsonl"])
    }

    @Test func aFolderTakesOneFetchAtATime() throws {
        defer { clean() }
        farm.with { state in
            state.images = FetchTests.images(1)
            state.finish(0, bytes: bytes(0))
        }
        let folder = try PictureFolder(path: root + "/out")
        let client = try FarmClient(farm.endpoint, context: context)
        var second: ClientError?
        _ = try client.fetch(JobID(1), into: folder) { _ in
            second = #expect(throws: ClientError.self) { try fetch() }
        }
        #expect(second == .folderBusy(path: folder.path))
        #expect(try fetch().present == 1)
    }

    @Test func picturesLandWhileTheJobRuns() throws {
        defer { clean() }
        farm.with { state in
            state.images = FetchTests.images(1100)
            for index in 0..<1090 { state.finish(index, bytes: [1]) }
            state.onRequest = { state, request in
                guard case .status = request else { return }
                if let next = state.images.lastIndex(where: { $0.state == .waiting }) {
                    state.finish(next, bytes: [UInt8(next % 256)])
                }
            }
        }
        let client = try FarmClient(farm.endpoint, context: context)
        var counts: [Int] = []
        let progress = try client.fetch(JobID(1), into: PictureFolder(path: root + "/out"), wait: true) {
            counts.append($0.inFolder)
        }
        #expect(progress.written == 1100)
        #expect(progress.status.state == .finished)
        // All that was done came before the rest was even begun.
        #expect(counts.contains(1091))
        #expect(file("001100.png") == [UInt8(1099 % 256)])
        #expect(farm.with { $0.blobReads } == 1100)
    }

    /// Loses image 2's blob and damages image 3's, of five.
    private func loseAndDamage() {
        farm.with { state in
            for (index, bytes) in [(1, nil), (2, [2])] as [(Int, [UInt8]?)] {
                if let id = state.images[index].picture { state.blobs[id] = bytes }
            }
        }
    }

    @Test func lostAndDamagedPicturesAreNamedAndKeepNoOtherBack() throws {
        defer { clean() }
        farm.with { state in
            state.images = FetchTests.images(5)
            for index in 0..<5 { state.finish(index, bytes: bytes(index)) }
        }
        loseAndDamage()
        let missing = [
            MissingPicture(image: 2, reason: "the coordinator does not have it"),
            MissingPicture(image: 3, reason: "its bytes do not match their hash"),
        ]
        let expected = ClientError.picturesMissing(job: JobID(1), missing)
        #expect(throws: expected) { try fetch() }
        #expect(
            expected.description
                == "Job 1: 2 of its pictures could not be fetched: 2 (the coordinator does not have it), 3 "
                + "(its bytes do not match their hash). The others and the manifest are in the folder. "
                + "With the coordinator stopped, `tessera doctor --data DIR --repair` on its machine has "
                + "lost and damaged pictures drawn again. Then fetch the job again.")
        #expect(try names() == ["000001.png", "000004.png", "000005.png", "manifest.jsonl"])
        let manifest = String(decoding: try #require(file("manifest.jsonl")), as: UTF8.self)
        let lines = manifest.split(separator: "\n")
        #expect(lines.count == 5)
        #expect(lines[1].contains("could not be fetched: the coordinator does not have it."))
        #expect(lines.map { $0.contains(#""file":"#) } == [true, false, false, true, true])

        farm.with { state in for index in 0..<5 { state.finish(index, bytes: bytes(index)) } }
        let progress = try fetch()
        #expect(progress.written == 2)
        #expect(progress.present == 3)
        #expect(file("000003.png") == bytes(2))
    }

    /// What was missing while the job ran is asked for again in the end.
    @Test func aPictureThatComesBackIsFetched() throws {
        defer { clean() }
        farm.with { state in
            state.images = FetchTests.images(6)
            for index in 0..<5 { state.finish(index, bytes: bytes(index)) }
        }
        loseAndDamage()
        let client = try FarmClient(farm.endpoint, context: context)
        let progress = try client.fetch(JobID(1), into: PictureFolder(path: root + "/out"), wait: true) {
            guard $0.written == 3 else { return }
            farm.with { state in for index in 0..<6 { state.finish(index, bytes: bytes(index)) } }
        }
        #expect(progress.written == 6)
        #expect(file("000002.png") == bytes(1))
    }

    @Test(arguments: [(10, "9 (x), 10 (x)"), (12, "9 (x), 10 (x) and 2 more")])
    func manyMissingPicturesAreCounted(count: Int, end: String) {
        let pictures = (1...count).map { MissingPicture(image: $0, reason: "x") }
        #expect(MissingPicture.list(pictures).hasSuffix(end))
    }

    @Test func folderThatCannotBeWrittenIsNamed() throws {
        defer { clean() }
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        try Data().write(to: URL(filePath: root + "/file"))
        let path = root + "/file/out"
        let error = #expect(throws: ClientError.self) { try PictureFolder(path: path) }
        #expect(
            error?.description
                == "The output folder \(path) cannot be written: not a directory. Choose another with --out.")
    }

    @Test func fullDiskIsNamed() throws {
        defer { clean() }
        let folder = try PictureFolder(path: root + "/out")
        try FileManager.default.createSymbolicLink(
            atPath: root + "/out/.000001.png.part", withDestinationPath: "/dev/full")
        farm.with { state in
            state.images = FetchTests.images(1)
            state.finish(0, bytes: [1])
        }
        let client = try FarmClient(farm.endpoint, context: context)
        #expect(throws: ClientError.diskFull(path: folder.path)) { try client.fetch(JobID(1), into: folder) }
        #expect(try names() == [])
    }

    @Test(arguments: [(0, "000001.png"), (999_998, "999999.png"), (999_999, "1000000.png")])
    func picturesAreNumberedFromOne(index: Int, name: String) {
        #expect(PictureFolder.name(ofImage: index) == name)
    }
}
