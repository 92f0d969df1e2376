import Farm
import GRDB

extension JobStore {
    /// What SQLite finds wrong with its file; empty when it is sound.
    func complaints() throws(StoreError) -> [String] {
        try read { database in
            try String.fetchAll(database, sql: "PRAGMA quick_check(20)").filter { $0 != "ok" }
        }
    }

    /// The images that have results, with their blobs by stage.
    func keptStages() throws(StoreError) -> [KeptStages] {
        try read { database in
            let statement = try HotStatement(
                """
                SELECT results.id, results.stage, blob, pixels IS NOT NULL, images.state, images.stage,
                    jobs.state
                FROM results JOIN images USING (id) JOIN jobs ON jobs.id = results.id / 1048576
                ORDER BY results.id, results.stage
                """, database)
            var images: [KeptStages] = []
            while try statement.step() {
                let id = ImageID(key: statement.integer(0))
                guard let blob = statement.digest(2).map(BlobID.init),
                    let state = ImageState(code: Int(statement.integer(4))),
                    let job = JobState(code: Int(statement.integer(6)))
                else { continue }
                if images.last?.id != id {
                    images.append(
                        KeptStages(
                            id: id, state: state, stage: Int(statement.integer(5)),
                            isJobOpen: job == .active || job == .paused))
                }
                images[images.count - 1].blobs.append(blob)
                images[images.count - 1].hasPicture = statement.integer(3) != 0
            }
            return images
        }
    }

    /// What raised determinism alarms, and what it was compared with where that was a blob.
    func alarmBlobs() throws(StoreError) -> Set<BlobID> {
        try read { database in
            let statement = try HotStatement(
                "SELECT blob FROM alarms UNION SELECT committed FROM alarms", database)
            var blobs: Set<BlobID> = []
            while try statement.step() {
                if let digest = statement.digest(0) { blobs.insert(BlobID(digest)) }
            }
            return blobs
        }
    }

    /// Lets images begin again at these stages; their jobs are open again. What was computed stays as
    /// evidence.
    func repeatStages(_ images: [(ImageID, Int)]) throws(StoreError) {
        try write { database in
            for (image, stage) in images {
                try database.cachedStatement(
                    sql: "UPDATE images SET state = min(?, 1), leased = 0, stage = ? WHERE id = ?"
                ).execute(arguments: [stage, stage, image.key])
                try database.cachedStatement(sql: "DELETE FROM leases WHERE id = ?")
                    .execute(arguments: [image.key])
                try database.cachedStatement(
                    sql: "UPDATE jobs SET state = 1, finished = NULL WHERE id = ? AND state IN (3, 4)"
                )
                .execute(arguments: [image.job.number])
            }
        }
    }
}
