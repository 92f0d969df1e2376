package import Farm
import Foundation
import GRDB

extension JobStore {
    /// Which farm this is: drawn at random when the database was made, the same for as long as it lasts.
    /// - Throws: `StoreError.damaged` when it is not there, or `.failed`.
    package func farm() throws(StoreError) -> FarmID {
        let path = path
        return try read { database in
            let sql = "SELECT value FROM numbers WHERE name = 'farm'"
            guard let number = try Int64.fetchOne(database, sql: sql), number != 0 else {
                throw StoreError.damaged(path: path, reason: "the farm's identity")
            }
            return FarmID(UInt64(bitPattern: number))
        }
    }

    /// All that the coordinator must know after a restart.
    /// - Throws: `StoreError.damaged` when a row is not what this program writes, or `.failed`.
    package func load() throws(StoreError) -> CoordinatorSnapshot {
        let path = path
        return try read { database in
            let next =
                try Int64.fetchOne(database, sql: "SELECT value FROM numbers WHERE name = 'next_job'") ?? 1
            let models = try JobStore.models(in: database, path)
            let known = Dictionary(models.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
            let heads = try JobStore.heads(in: database, path)
            let jobs = try heads.map { head in
                let rows = try JobStore.rows(of: head.id, in: database, path)
                let variants = try JobStore.variants(of: head.id, in: database)
                guard rows.allSatisfy({ variants.indices.contains(Int($0.variant)) }) else {
                    throw StoreError.damaged(path: path, reason: "the variants of job \(head.id)")
                }
                var job = Job(
                    head: head, variants: variants,
                    images: rows, sources: try JobStore.sources(of: head.id, rows.count, in: database, path),
                    model: head.model.flatMap { known[$0] })
                try JobStore.addEvidence(to: &job, from: database, path)
                return job
            }
            return CoordinatorSnapshot(
                nextJob: JobID(next), models: models, jobs: jobs, leases: try JobStore.leases(in: database),
                paces: try JobStore.paces(in: database, path), shares: try JobStore.shares(in: database))
        }
    }

    private static func shares(in database: Database) throws -> [OwnerShare] {
        try Row.fetchAll(database, sql: "SELECT * FROM shares").map { row in
            OwnerShare(owner: row["owner"], seconds: row["seconds"])
        }
        .sorted { $0.owner < $1.owner }
    }

    private static func paces(in database: Database, _ path: String) throws -> [MeasuredPace] {
        try Row.fetchAll(database, sql: "SELECT * FROM paces").map { row in
            guard let hash = row.digest("model_hash") else {
                throw StoreError.damaged(path: path, reason: "a measured pace")
            }
            let model = ModelKey(name: row["model_name"], hash: hash)
            return MeasuredPace(
                key: StageKey(model: model, stage: StageName(row["stage"])), seconds: row["seconds"],
                loadSeconds: row["load_seconds"])
        }
        .sorted { $0.key < $1.key }
    }

    private static func models(in database: Database, _ path: String) throws -> [ModelAnnouncement] {
        try Row.fetchAll(database, sql: "SELECT * FROM models ORDER BY id").map { row in
            guard let hash = row.digest("hash") else {
                throw StoreError.damaged(path: path, reason: "a model's hash")
            }
            let stages = try Row.fetchAll(
                database, sql: "SELECT * FROM model_stages WHERE model = ? ORDER BY place",
                arguments: [row["id"]])
            return ModelAnnouncement(
                key: ModelKey(name: row["name"], hash: hash), version: row["version"],
                stages: stages.map { stage in
                    AnnouncedStage(
                        name: StageName(stage["name"]), steps: stage["steps"], guidance: stage["guidance"],
                        size: stage["size"])
                })
        }
    }

    private static func heads(in database: Database, _ path: String) throws -> [Job.Head] {
        try Row.fetchAll(database, sql: "SELECT * FROM jobs ORDER BY id").map { row in
            guard let state = JobState(code: row["state"]) else {
                throw StoreError.damaged(path: path, reason: "a job's state")
            }
            let submission = Submission(
                id: SubmissionID(
                    high: UInt64(bitPattern: row["submission_high"]),
                    low: UInt64(bitPattern: row["submission_low"])),
                name: row["name"], owner: row["owner"], priority: row["priority"], model: row["model"],
                count: row["count"])
            let hash = row.digest("model_hash")
            let name: String? = row["model_name"]
            let model = name.flatMap { name in hash.map { ModelKey(name: name, hash: $0) } }
            return Job.Head(
                id: JobID(row["id"]), submission: submission, state: state, model: model,
                submitted: Instant(milliseconds: row["submitted"]),
                finished: (row["finished"] as Int64?).map { Instant(milliseconds: $0) }, alarms: row["alarms"]
            )
        }
    }

    static func variants(of job: JobID, in database: Database) throws -> [RenderOptions] {
        try Row.fetchAll(
            database, sql: "SELECT * FROM variants WHERE job = ? ORDER BY place", arguments: [job.number]
        )
        .map { row in
            let steps = try Row.fetchAll(
                database, sql: "SELECT stage, steps FROM variant_steps WHERE job = ? AND variant = ?",
                arguments: [job.number, row["place"]])
            return RenderOptions(
                size: row["size"],
                steps: steps.map { StepOverride(stage: StageName($0["stage"]), steps: $0["steps"]) },
                guidance: row["guidance"], precision: row["precision"] == 1 ? .fast : .exact)
        }
    }

    private static func rows(of job: JobID, in database: Database, _ path: String) throws -> [ImageRow] {
        let statement = try HotStatement(
            """
            SELECT id, variant, state, leased, stage, failures, losses, rollbacks, attempt FROM images
            WHERE id >= ? AND id < ? ORDER BY id
            """, database)
        statement.bind(1, job.keys.lowerBound)
        statement.bind(2, job.keys.upperBound)
        var rows: [ImageRow] = []
        while try statement.step() {
            guard statement.integer(0) == job.keys.lowerBound + Int64(rows.count),
                let state = ImageState(code: Int(statement.integer(2))),
                (5...7).allSatisfy({ (0..<Int64(UInt8.max)).contains(statement.integer($0)) })
            else {
                statement.reset()
                throw StoreError.damaged(path: path, reason: "the images of job \(job)")
            }
            var image = ImageRow(variant: UInt16(clamping: statement.integer(1)))
            image.state = state
            image.leased = statement.integer(3) != 0
            image.stage = UInt8(clamping: statement.integer(4))
            image.failures = UInt8(clamping: statement.integer(5))
            image.losses = UInt8(clamping: statement.integer(6))
            image.rollbacks = UInt8(clamping: statement.integer(7))
            image.attempt = UInt16(clamping: statement.integer(8))
            rows.append(image)
        }
        return rows
    }

    private static func sources(
        of job: JobID, _ count: Int, in database: Database, _ path: String
    ) throws -> [PictureSource] {
        let statement = try HotStatement(
            "SELECT prompt, seed FROM requests WHERE id >= ? AND id < ? ORDER BY id", database)
        statement.bind(1, job.keys.lowerBound)
        statement.bind(2, job.keys.upperBound)
        var sources: [PictureSource] = []
        while try statement.step() {
            let seed = UInt64(bitPattern: statement.integer(1))
            sources.append(PictureSource(prompt: statement.text(0), seed: seed))
        }
        guard sources.count == count else {
            throw StoreError.damaged(path: path, reason: "the requests of job \(job)")
        }
        return sources
    }

    private static func addEvidence(to job: inout Job, from database: Database, _ path: String) throws {
        let statement = try HotStatement(
            "SELECT id, stage, coalesce(pixels, blob) FROM results WHERE id >= ? AND id < ?", database)
        statement.bind(1, job.head.id.keys.lowerBound)
        statement.bind(2, job.head.id.keys.upperBound)
        while try statement.step() {
            guard let digest = statement.digest(2) else {
                statement.reset()
                throw StoreError.damaged(path: path, reason: "a result of job \(job.head.id)")
            }
            job.setEvidence(
                digest, image: ImageID(key: statement.integer(0)).index, stage: Int(statement.integer(1)))
        }
    }

    private static func leases(in database: Database) throws -> [HeldLease] {
        try Row.fetchAll(database, sql: "SELECT * FROM leases ORDER BY id").map { row in
            HeldLease(
                id: LeaseID(
                    task: TaskID(image: ImageID(key: row["id"]), stage: row["stage"]), attempt: row["attempt"]
                ),
                session: WorkerSession(
                    worker: WorkerID(row["worker"]), nonce: UInt64(bitPattern: row["nonce"])))
        }
    }
}
