import Farm
import Foundation
import GRDB

extension CoordinatorChange {
    /// Writes the change inside the turn's transaction.
    func write(to database: Database) throws {
        func run(_ sql: String, _ arguments: StatementArguments) throws {
            try database.cachedStatement(sql: sql).execute(arguments: arguments)
        }
        switch self {
        case .nextJob(let job): try run("INSERT OR REPLACE INTO numbers VALUES ('next_job', ?)", [job.number])
        case .job(let head): try head.write(to: database)
        case .jobRemoved(let job): try remove(job, from: database)
        case .variant(let job, let index, let options):
            try run(
                "INSERT OR REPLACE INTO variants VALUES (?, ?, ?, ?, ?)",
                [job.number, index, options.size, options.guidance, options.precision == .fast ? 1 : 0])
            for change in options.steps {
                try run(
                    "INSERT OR REPLACE INTO variant_steps VALUES (?, ?, ?, ?)",
                    [job.number, index, change.stage.text, change.steps])
            }
        case .images(let job, let first, let images):
            let request = try HotStatement("INSERT OR REPLACE INTO requests VALUES (?, ?, ?)", database)
            for (place, image) in images.enumerated() {
                let id = ImageID(job: job, index: first + place)
                request.bind(1, id.key)
                request.bind(2, image.prompt)
                request.bind(3, Int64(bitPattern: image.seed))
                try request.run()
                try ImageRow(variant: image.variant).write(to: database, id)
            }
        case .image(let id, let row): try row.write(to: database, id)
        case .leased(let held): try held.write(to: database)
        case .released(let lease):
            try run("DELETE FROM leases WHERE id = ? AND attempt = ?", [lease.task.image.key, lease.attempt])
        case .result(let done): try done.write(to: database)
        case .shared(let shared): try shared.write(to: database)
        case .imageFailed(let id, let reason):
            try run("INSERT OR REPLACE INTO errors VALUES (?, ?)", [id.key, reason])
            try run("DELETE FROM leases WHERE id = ?", [id.key])
        case .imagesCancelled, .imagesReopened, .variantFailed: try writeBulk(to: database)
        case .model(let model): try model.write(to: database)
        case .pace(let pace):
            try run(
                "INSERT OR REPLACE INTO paces VALUES (?, ?, ?, ?, ?)",
                [
                    pace.key.model.name, pace.key.model.hash.data, pace.key.stage.text, pace.seconds,
                    pace.loadSeconds,
                ])
        case .share(let share):
            try run("INSERT OR REPLACE INTO shares VALUES (?, ?)", [share.owner, share.seconds])
        case .alarm(let late, let committed):
            try run(
                "INSERT INTO alarms VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)",
                [
                    late.result.lease.task.image.key, late.result.lease.task.stage, late.result.lease.attempt,
                    late.worker.text, late.result.blob.digest.data, late.result.pixels?.data, committed.data,
                ])
        }
    }

    private func writeBulk(to database: Database) throws {
        switch self {
        case .imagesCancelled(let job):
            try database.execute(
                sql: """
                    UPDATE images SET state = 4, leased = 0 WHERE id >= :low AND id < :high AND state < 2;
                    DELETE FROM leases WHERE id >= :low AND id < :high
                    """, arguments: ["low": job.keys.lowerBound, "high": job.keys.upperBound])
        case .imagesReopened(let job, let except):
            let hopeless = except.map { "\($0)" }.joined(separator: ", ")
            let some = "id >= :low AND id < :high AND state IN (3, 4) AND variant NOT IN (\(hopeless))"
            try database.execute(
                sql: """
                    DELETE FROM errors WHERE id IN (SELECT id FROM images WHERE \(some));
                    UPDATE images SET state = 0, stage = 0, failures = 0, losses = 0, rollbacks = 0
                    WHERE \(some)
                    """, arguments: ["low": job.keys.lowerBound, "high": job.keys.upperBound])
        case .variantFailed(let job, let index, let reason):
            let some = "id >= :low AND id < :high AND state < 2 AND variant = :variant"
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO errors SELECT id, :reason FROM images WHERE \(some);
                    UPDATE images SET state = 3 WHERE \(some)
                    """,
                arguments: [
                    "low": job.keys.lowerBound, "high": job.keys.upperBound, "variant": index,
                    "reason": reason,
                ])
        default: break
        }
    }

    private func remove(_ job: JobID, from database: Database) throws {
        for table in ["requests", "images", "errors", "leases", "results", "warnings"] {
            try database.execute(
                sql: "DELETE FROM \(table) WHERE id >= ? AND id < ?",
                arguments: [job.keys.lowerBound, job.keys.upperBound])
        }
        try database.execute(
            sql: """
                DELETE FROM variants WHERE job = :job;
                DELETE FROM variant_steps WHERE job = :job;
                DELETE FROM jobs WHERE id = :job
                """, arguments: ["job": job.number])
    }
}

extension Job.Head {
    fileprivate func write(to database: Database) throws {
        try database.cachedStatement(
            sql: "INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        )
        .execute(arguments: [
            id.number, Int64(bitPattern: submission.id.high), Int64(bitPattern: submission.id.low),
            submission.name,
            submission.owner, submission.priority, submission.model, submission.count, state.code,
            model?.name,
            model?.hash.data, submitted.milliseconds, finished?.milliseconds, alarms,
        ])
    }
}

extension ImageRow {
    fileprivate func write(to database: Database, _ id: ImageID) throws {
        let statement = try HotStatement(
            "INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", database)
        statement.bind(1, id.key)
        statement.bind(2, variant)
        statement.bind(3, state.code)
        statement.bind(4, leased ? 1 : 0)
        statement.bind(5, stage)
        statement.bind(6, failures)
        statement.bind(7, losses)
        statement.bind(8, rollbacks)
        statement.bind(9, attempt)
        try statement.run()
    }
}

extension HeldLease {
    fileprivate func write(to database: Database) throws {
        let statement = try HotStatement("INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?)", database)
        statement.bind(1, id.task.image.key)
        statement.bind(2, id.task.stage)
        statement.bind(3, id.attempt)
        statement.bind(4, session.worker.text)
        statement.bind(5, Int64(bitPattern: session.nonce))
        try statement.run()
    }
}

extension CommittedResult {
    fileprivate func write(to database: Database) throws {
        let key = result.lease.task.image.key
        let place = result.lease.task.stage
        let statement = try HotStatement(
            "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", database)
        statement.bind(1, key)
        statement.bind(2, place)
        statement.bind(3, stage.text)
        statement.bind(4, result.lease.attempt)
        statement.bind(5, result.blob.digest)
        statement.bind(6, result.pixels)
        statement.bind(7, worker.text)
        statement.bind(8, result.seconds)
        statement.bind(9, result.loadSeconds)
        try statement.run()
        let lease = try HotStatement("DELETE FROM leases WHERE id = ?", database)
        lease.bind(1, key)
        try lease.run()
        for (number, text) in result.warnings.enumerated() {
            try database.cachedStatement(sql: "INSERT OR REPLACE INTO warnings VALUES (?, ?, ?, ?)")
                .execute(arguments: [key, place, number, text])
        }
    }
}

extension SharedStages {
    /// Copies the other image's rows, under attempt 0.
    fileprivate func write(to database: Database) throws {
        let results = try HotStatement(
            """
            INSERT OR REPLACE INTO results
            SELECT ?1, stage, name, 0, blob, pixels, worker, seconds, load_seconds FROM results
            WHERE id = ?2 AND stage >= ?3 AND stage < ?4
            """, database)
        let warnings = try HotStatement(
            """
            INSERT OR REPLACE INTO warnings SELECT ?1, stage, place, text FROM warnings
            WHERE id = ?2 AND stage >= ?3 AND stage < ?4
            """, database)
        for statement in [results, warnings] {
            statement.bind(1, image.key)
            statement.bind(2, other.key)
            statement.bind(3, stages.lowerBound)
            statement.bind(4, stages.upperBound)
            try statement.run()
        }
    }
}

extension ModelAnnouncement {
    fileprivate func write(to database: Database) throws {
        try database.execute(
            sql: "INSERT INTO models VALUES (NULL, ?, ?, ?)", arguments: [key.name, key.hash.data, version])
        let id = database.lastInsertedRowID
        for (place, stage) in stages.enumerated() {
            try database.execute(
                sql: "INSERT INTO model_stages VALUES (?, ?, ?, ?, ?, ?)",
                arguments: [id, place, stage.name.text, stage.steps, stage.guidance, stage.size])
        }
    }
}
