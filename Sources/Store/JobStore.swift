package import Farm
import Foundation
import GRDB

/// Jobs, images and leases in SQLite (WAL, synchronous = FULL). It answers and writes; it decides nothing.
///
/// All calls block; they belong to a thread that may wait.
package final class JobStore: Sendable {
    /// The database's file.
    package let path: String
    private let queue: DatabaseQueue
    /// Kept so that the folder stays locked.
    private let folder: DataFolder

    /// Opens the folder's database and brings its tables up to date.
    /// - Throws: `StoreError.newer`, `.notWritable`, `.diskFull`, `.damaged` or `.failed`.
    package init(_ folder: DataFolder) throws(StoreError) {
        self.folder = folder
        path = folder.database
        if Files.size(path) ?? 0 == 0, Files.isFolder(folder.blobs),
            try !Files.names(in: folder.blobs).isEmpty
        {
            throw .damaged(path: path, reason: "it is missing or empty, though \(folder.blobs) holds results")
        }
        var configuration = Configuration()
        configuration.journalMode = .wal
        let file = path
        queue = try JobStore.wrap(file) { try DatabaseQueue(path: file, configuration: configuration) }
        let migrator = Schema.migrator
        let isNewer = try JobStore.wrap(file) { [queue] in
            try queue.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA synchronous = FULL")
                return try migrator.hasBeenSuperseded(database)
            }
        }
        guard !isNewer else { throw .newer(path: folder.path) }
        try JobStore.wrap(file) { [queue] in try migrator.migrate(queue) }
    }

    /// Makes all changes durable, or none of them.
    /// - Throws: `StoreError.diskFull` when there is no space; the same call may be made again later.
    package func commit(_ changes: [CoordinatorChange]) throws(StoreError) {
        guard !changes.isEmpty else { return }
        try write { database in
            for change in changes { try change.write(to: database) }
        }
    }

    func write<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
        try JobStore.wrap(path) { try queue.write(body) }
    }

    func read<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
        try JobStore.wrap(path) { try queue.read(body) }
    }

    /// What SQLite's failures mean to us.
    private static func wrap<Value>(_ path: String, _ body: () throws -> Value) throws(StoreError) -> Value {
        do {
            return try body()
        } catch let error as StoreError {
            throw error
        } catch let error as DatabaseError {
            let reason = error.message ?? "SQLite error \(error.resultCode.rawValue)"
            switch error.resultCode {
            case .SQLITE_FULL: throw StoreError.diskFull(path: path)
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: throw StoreError.damaged(path: path, reason: reason)
            case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM:
                throw StoreError.notWritable(path: path, reason: reason)
            case .SQLITE_BUSY, .SQLITE_LOCKED: throw StoreError.locked(path: path)
            default: throw StoreError.failed(path: path, reason: reason)
            }
        } catch {
            throw StoreError.failed(path: path, reason: "\(error)")
        }
    }
}
