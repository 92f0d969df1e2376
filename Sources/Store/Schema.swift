import GRDB

/// The tables, as numbered steps. A step that has shipped is never changed.
///
/// An image's `id` is job × 2^20 + index, so that a job's images lie side by side.
enum Schema {
    static let imagesPerJob: Int64 = 1 << 20

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.execute(sql: first)
        }
        migrator.registerMigration("2") { database in
            try database.execute(
                sql: "INSERT INTO numbers VALUES ('farm', ?)",
                arguments: [Int64(bitPattern: .random(in: 1 ... .max))])
        }
        migrator.registerMigration("3") { database in
            try database.execute(
                sql: """
                    CREATE TABLE paces (
                        model_name TEXT NOT NULL, model_hash BLOB NOT NULL, stage TEXT NOT NULL,
                        seconds REAL NOT NULL, load_seconds REAL NOT NULL,
                        PRIMARY KEY (model_name, model_hash, stage)) WITHOUT ROWID
                    """)
        }
        migrator.registerMigration("4") { database in
            try database.execute(
                sql: "CREATE TABLE shares (owner TEXT PRIMARY KEY, seconds REAL NOT NULL) WITHOUT ROWID")
        }
        migrator.registerMigration("5") { database in
            try database.execute(
                sql: """
                    CREATE INDEX alarms_blob ON alarms (blob);
                    CREATE INDEX alarms_committed ON alarms (committed)
                    """)
        }
        return migrator
    }

    private static let first = """
        CREATE TABLE numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE models (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL, hash BLOB NOT NULL, version TEXT NOT NULL,
            UNIQUE (name, hash));
        CREATE TABLE model_stages (
            model INTEGER NOT NULL, place INTEGER NOT NULL, name TEXT NOT NULL, steps INTEGER NOT NULL,
            guidance REAL, size INTEGER, PRIMARY KEY (model, place)) WITHOUT ROWID;
        CREATE TABLE jobs (
            id INTEGER PRIMARY KEY, submission_high INTEGER NOT NULL, submission_low INTEGER NOT NULL,
            name TEXT NOT NULL, owner TEXT NOT NULL, priority INTEGER NOT NULL, model TEXT NOT NULL,
            count INTEGER NOT NULL, state INTEGER NOT NULL, model_name TEXT, model_hash BLOB,
            submitted INTEGER NOT NULL, finished INTEGER, alarms INTEGER NOT NULL);
        CREATE TABLE variants (
            job INTEGER NOT NULL, place INTEGER NOT NULL, size INTEGER NOT NULL, guidance REAL,
            precision INTEGER NOT NULL, PRIMARY KEY (job, place)) WITHOUT ROWID;
        CREATE TABLE variant_steps (
            job INTEGER NOT NULL, variant INTEGER NOT NULL, stage TEXT NOT NULL, steps INTEGER NOT NULL,
            PRIMARY KEY (job, variant, stage)) WITHOUT ROWID;
        CREATE TABLE requests (id INTEGER PRIMARY KEY, prompt TEXT NOT NULL, seed INTEGER NOT NULL);
        CREATE TABLE images (
            id INTEGER PRIMARY KEY, variant INTEGER NOT NULL, state INTEGER NOT NULL, leased INTEGER NOT NULL,
            stage INTEGER NOT NULL, failures INTEGER NOT NULL, losses INTEGER NOT NULL,
            rollbacks INTEGER NOT NULL, attempt INTEGER NOT NULL);
        CREATE TABLE errors (id INTEGER PRIMARY KEY, reason TEXT NOT NULL);
        CREATE TABLE leases (
            id INTEGER PRIMARY KEY, stage INTEGER NOT NULL, attempt INTEGER NOT NULL, worker TEXT NOT NULL,
            nonce INTEGER NOT NULL);
        CREATE TABLE results (
            id INTEGER NOT NULL, stage INTEGER NOT NULL, name TEXT NOT NULL, attempt INTEGER NOT NULL,
            blob BLOB NOT NULL, pixels BLOB, worker TEXT NOT NULL, seconds REAL NOT NULL,
            load_seconds REAL NOT NULL, PRIMARY KEY (id, stage)) WITHOUT ROWID;
        CREATE INDEX results_blob ON results (blob);
        CREATE TABLE warnings (
            id INTEGER NOT NULL, stage INTEGER NOT NULL, place INTEGER NOT NULL, text TEXT NOT NULL,
            PRIMARY KEY (id, stage, place)) WITHOUT ROWID;
        CREATE TABLE alarms (
            number INTEGER PRIMARY KEY, id INTEGER NOT NULL, stage INTEGER NOT NULL, attempt INTEGER NOT NULL,
            worker TEXT NOT NULL, blob BLOB NOT NULL, pixels BLOB, committed BLOB NOT NULL);
        """
}
