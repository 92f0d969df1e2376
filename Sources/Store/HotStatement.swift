import Farm
import GRDB
import GRDBSQLite

/// A prepared statement that is run many times a turn: values are bound without the boxes that GRDB's
/// arguments take, which would cost more than SQLite's own work.
struct HotStatement {
    private let statement: Statement
    /// Copied by SQLite at once.
    private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    /// The statement of this text, prepared once a connection.
    init(_ sql: String, _ database: Database) throws {
        statement = try database.cachedStatement(sql: sql)
        // GRDB may have run the same text and leaves it unreset; SQLite would then refuse to bind.
        sqlite3_reset(statement.sqliteStatement)
    }

    private var raw: SQLiteStatement { statement.sqliteStatement }

    /// Binds an integer to the parameter at `place`, from 1.
    func bind(_ place: Int32, _ value: Int64) { bound(place, sqlite3_bind_int64(raw, place, value)) }

    /// Binds an integer.
    func bind(_ place: Int32, _ value: some BinaryInteger) { bind(place, Int64(value)) }

    /// Binds a number.
    func bind(_ place: Int32, _ value: Double) { bound(place, sqlite3_bind_double(raw, place, value)) }

    /// Binds a text.
    func bind(_ place: Int32, _ value: String) {
        var value = value
        value.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { text in
                // Without an address SQLite would take null for an empty text.
                guard let start = text.baseAddress else {
                    return bound(place, sqlite3_bind_text(raw, place, "", 0, HotStatement.transient))
                }
                let count = Int32(text.count)
                bound(place, sqlite3_bind_text(raw, place, start, count, HotStatement.transient))
            }
        }
    }

    /// Binds a digest's 32 bytes, or null.
    func bind(_ place: Int32, _ value: Digest?) {
        guard let value else {
            return bound(place, sqlite3_bind_null(raw, place))
        }
        value.withBytes { bytes in
            let count = Int32(bytes.count)
            bound(place, sqlite3_bind_blob(raw, place, bytes.baseAddress, count, HotStatement.transient))
        }
    }

    /// A value that is not bound would silently be null. Sizes are bounded long before, so SQLite refuses
    /// only what this program does wrong.
    private func bound(_ place: Int32, _ code: Int32) {
        precondition(code == SQLITE_OK, "parameter \(place) of \(statement.sql)")
    }

    /// Runs a statement that gives no rows.
    /// - Throws: `DatabaseError`.
    func run() throws {
        while try step() {}
    }

    /// Goes to the next row; false, and ready to run again, after the last.
    /// - Throws: `DatabaseError`.
    func step() throws -> Bool {
        let code = sqlite3_step(raw)
        if code == SQLITE_ROW { return true }
        sqlite3_reset(raw)
        guard code == SQLITE_DONE else {
            throw DatabaseError(resultCode: ResultCode(rawValue: code), sql: statement.sql)
        }
        return false
    }

    /// Ends a statement before its last row.
    func reset() { sqlite3_reset(raw) }

    /// An integer of the present row; columns count from 0.
    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(raw, column) }

    /// A text of the present row.
    func text(_ column: Int32) -> String {
        guard let bytes = sqlite3_column_text(raw, column) else { return "" }
        let count = Int(sqlite3_column_bytes(raw, column))
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    /// A digest of the present row; nil where it is null or not 32 bytes.
    func digest(_ column: Int32) -> Digest? {
        guard let bytes = sqlite3_column_blob(raw, column) else { return nil }
        let count = Int(sqlite3_column_bytes(raw, column))
        return Digest(bytes: UnsafeRawBufferPointer(start: bytes, count: count))
    }
}
