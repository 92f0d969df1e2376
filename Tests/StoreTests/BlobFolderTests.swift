import Farm
import Foundation
import GRDB
import Store
import Testing

@Suite struct BlobFolderTests {
    @Test func aBlobIsThereWhollyOrNotAtAll() throws {
        let temporary = try TemporaryFolder()
        let blobs = try BlobFolder(DataFolder(path: temporary.path))
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        let blob = BlobFolder.name(of: bytes)
        try blobs.append(Array(bytes[..<2_000_000]), to: blob)
        #expect(blobs.size(of: blob) == nil)
        #expect(blobs.received(blob) == 2_000_000)
        try blobs.append(Array(bytes[2_000_000...]), to: blob)
        #expect(try blobs.finish(blob))
        #expect(blobs.size(of: blob) == bytes.count)
        #expect(try blobs.read(blob, offset: 1_999_990, length: 20) == Array(bytes[1_999_990..<2_000_010]))
        #expect(try blobs.read(blob, offset: bytes.count, length: 5) == [])
        #expect(blobs.received(blob) == 0)
    }

    @Test func bytesOfAnotherHashAreThrownAway() throws {
        let temporary = try TemporaryFolder()
        let blobs = try BlobFolder(DataFolder(path: temporary.path))
        let blob = BlobFolder.name(of: [1, 2, 3])
        try blobs.append([1, 2, 4], to: blob)
        #expect(try !blobs.finish(blob))
        #expect(blobs.received(blob) == 0)
        #expect(try blobs.read(blob, offset: 0, length: 3) == nil)
    }

    @Test func whatNobodyContinuesGoes() throws {
        let temporary = try TemporaryFolder()
        let blobs = try BlobFolder(DataFolder(path: temporary.path))
        let blob = BlobFolder.name(of: [1, 2, 3])
        let whole = try blobs.store([4])
        try blobs.append([1], to: blob)
        #expect(try blobs.discardAbandoned(olderThan: 600) == 0)
        #expect(blobs.received(blob) == 1)
        let path = temporary.path + "/incoming/" + blob.hex
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -700)], ofItemAtPath: path)
        #expect(try blobs.discardAbandoned(olderThan: 600) == 1)
        #expect(blobs.received(blob) == 0)
        #expect(blobs.size(of: whole) == 1)
    }

    @Test func theNameIsTheSHA256() {
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(BlobFolder.name(of: Array("abc".utf8)).hex == hex)
    }
}

@Suite struct DataFolderTests {
    @Test func aSecondCoordinatorIsKeptOut() throws {
        let temporary = try TemporaryFolder()
        let first = try DataFolder(path: temporary.path)
        #expect(throws: StoreError.locked(path: temporary.path)) { try DataFolder(path: temporary.path) }
        #expect(first.path == temporary.path)
    }

    @Test func aFileInPlaceOfTheFolderIsNamed() throws {
        let temporary = try TemporaryFolder()
        let path = temporary.path + "/file"
        try Data([1]).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: StoreError.self) { try DataFolder(path: path) }
        #expect(error?.description.contains(path) == true)
    }

    @Test func aFolderThatCannotBeMadeIsNamed() {
        let error = #expect(throws: StoreError.self) { try DataFolder(path: "/proc/nowhere/data") }
        #expect(error?.description.contains("/proc/nowhere") == true)
    }

    @Test func aDatabaseOfANewerReleaseIsRefused() throws {
        let temporary = try TemporaryFolder()
        do { _ = try JobStore(DataFolder(path: temporary.path)) }
        let database = try DatabaseQueue(path: temporary.path + "/farm.sqlite")
        try database.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('999')") }
        try database.close()
        #expect(throws: StoreError.newer(path: temporary.path)) {
            try JobStore(DataFolder(path: temporary.path))
        }
    }

    @Test func aFileThatIsNoDatabaseIsDamaged() throws {
        let temporary = try TemporaryFolder()
        let path = temporary.path + "/farm.sqlite"
        try Data(repeating: 0x41, count: 4096).write(to: URL(fileURLWithPath: path))
        #expect(throws: StoreError.self) { try JobStore(DataFolder(path: temporary.path)) }
    }
}
