import Crypto
import Farm
import Foundation
import Testing
import Worker

@Suite struct OutboxTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "outbox-\(UUID().uuidString)")
        .path
    private let blob: [UInt8] = [1, 2, 3, 4, 5]

    private func lease(_ index: Int) -> LeaseID {
        LeaseID(task: TaskID(image: ImageID(job: JobID(4), index: index), stage: 2), attempt: 3)
    }

    private func result(_ index: Int) throws -> KeptResult {
        let digest = try #require(Digest(bytes: SHA256.hash(data: blob)))
        let result = TaskResult(
            lease: lease(index), blob: BlobID(digest), pixels: digest, seconds: 2, warnings: ["w"])
        return KeptResult(farm: FarmID(.max - 0x1234 - UInt64(index)), result: result)
    }

    private func clean() {
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test func keepsResultsOverLives() throws {
        defer { clean() }
        do {
            let outbox = try Outbox(folder: folder)
            try outbox.keep(try result(10), blob: blob)
            try outbox.keep(try result(9), blob: blob)
        }
        let outbox = try Outbox(folder: folder)
        #expect(outbox.results() == [try result(9), try result(10)])
        #expect(outbox.blob(of: lease(9)) == blob)
        outbox.remove(lease(9))
        outbox.remove(lease(9))
        #expect(outbox.results() == [try result(10)])
        #expect(outbox.blob(of: lease(9)) == nil)
    }

    /// A descriptor closed twice is by then another's: a socket's, or a file's that is being written.
    @Test func aFolderInUseIsRefusedAndNothingOfOthersIsClosed() async throws {
        defer { clean() }
        let outbox = try Outbox(folder: folder)
        let closedByOthers = Task.detached {
            var count = 0
            while !Task.isCancelled {
                let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
                sched_yield()
                if close(file) != 0 { count += 1 }
            }
            return count
        }
        for _ in 0..<20_000 {
            #expect(throws: WorkerError.folderInUse(path: folder)) { try Outbox(folder: folder) }
        }
        closedByOthers.cancel()
        #expect(await closedByOthers.value == 0)
        #expect(outbox.results() == [])
    }

    @Test func whatAKillLeftHalfWrittenIsCleared() throws {
        defer { clean() }
        let outbox = try Outbox(folder: folder)
        try outbox.keep(try result(0), blob: blob)
        let path = "\(folder)/4-0-2-3.result"
        let whole = try Data(contentsOf: URL(filePath: path))
        for length in 0..<whole.count {
            try whole.prefix(length).write(to: URL(filePath: path))
            #expect(outbox.results() == [], "cut to \(length) of \(whole.count) bytes")
            #expect(!FileManager.default.fileExists(atPath: path))
        }
        for index in whole.indices {
            var broken = whole
            broken[index] ^= 0x10
            try broken.write(to: URL(filePath: path))
            // A changed report may still be a report; a changed blob is never one.
            #expect(
                outbox.results().allSatisfy { $0.result.blob == (try? result(0))?.result.blob },
                "byte \(index) changed")
        }
    }

    @Test func partialFilesOfAnEarlierLifeAreRemoved() throws {
        defer { clean() }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let path = "\(folder)/1-0-0-1.result.part"
        try Data([1]).write(to: URL(filePath: path))
        let outbox = try Outbox(folder: folder)
        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(outbox.results() == [])
    }

    @Test func fullDiskIsNamed() throws {
        defer { clean() }
        let outbox = try Outbox(folder: folder)
        let path = "\(folder)/4-0-2-3.result"
        try FileManager.default.createSymbolicLink(atPath: path + ".part", withDestinationPath: "/dev/full")
        let error = #expect(throws: WorkerError.self) { try outbox.keep(try result(0), blob: blob) }
        #expect(
            error?.description
                == "The worker could not keep its result in \(path): no space left on device. "
                + "Make room there."
        )
        #expect(outbox.results() == [])
    }

    @Test func folderThatCannotBeIsNamed() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "file-\(UUID().uuidString)").path
        try Data().write(to: URL(filePath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let error = #expect(throws: WorkerError.self) { try Outbox(folder: file + "/outbox") }
        #expect(
            error?.description == "The worker's folder \(file)/outbox cannot be used: not a directory. "
                + "Give another with --cache.")
    }
}
