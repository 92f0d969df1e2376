package import Farm
import Foundation
import GRDB

extension CoordinatorChange {
    /// The keys of images that end with this change and may leave intermediate results.
    fileprivate var endedImages: [Range<Int64>] {
        switch self {
        // The one stage of a picture of one stage is no intermediate.
        case .image(let id, let row) where !row.isOpen && !(row.state == .done && row.stage < 2):
            [id.key..<id.key + 1]
        case .imagesCancelled(let job): [job.keys]
        default: []
        }
    }
}

extension JobStore {
    /// Prompt and seed of each image, with the options that the caller knows; nil where there is no such
    /// image.
    /// - Throws: `StoreError.failed` or `.damaged`.
    package func requests(of images: [(ImageID, RenderOptions)]) throws(StoreError) -> [ImageRequest?] {
        try read { database in
            let statement = try HotStatement("SELECT prompt, seed FROM requests WHERE id = ?", database)
            return try images.map { image, options in
                statement.bind(1, image.key)
                guard try statement.step() else { return nil }
                defer { statement.reset() }
                return ImageRequest(
                    prompt: statement.text(0), seed: UInt64(bitPattern: statement.integer(1)),
                    options: options)
            }
        }
    }

    /// Images of a job from index `from`, or the failed ones among them, which costs no more for all the
    /// others: at most `limit`, and fewer once their texts exceed `bytes`, but at least one where there is
    /// one.
    /// - Throws: `StoreError.failed` or `.damaged`.
    package func images(
        of job: JobID, from: Int, limit: Int, failedOnly: Bool = false,
        bytes: Int = Limits.controlMessageBytes / 4
    ) throws(StoreError) -> [ImageStatus] {
        let path = path
        return try read { database in
            let variants = try JobStore.variants(of: job, in: database)
            // Failed images alone have a row in `errors`.
            let tables =
                failedOnly
                ? "errors CROSS JOIN images USING (id) JOIN requests USING (id)"
                : "images JOIN requests USING (id) LEFT JOIN errors USING (id)"
            let sql = """
                SELECT id, prompt, seed, variant, state, reason FROM \(tables)
                WHERE id >= ? AND id < ? ORDER BY id LIMIT ?
                """
            let cursor = try Row.fetchCursor(
                database, sql: sql,
                arguments: [job.keys.lowerBound + Int64(from), job.keys.upperBound, limit])
            var images: [ImageStatus] = []
            var size = 0
            while size < bytes, let row = try cursor.next() {
                let variant: Int = row["variant"]
                guard let state = ImageState(code: row["state"]), variants.indices.contains(variant) else {
                    throw StoreError.damaged(path: path, reason: "the images of job \(job)")
                }
                let id = ImageID(key: row["id"])
                let request = ImageRequest(
                    prompt: row["prompt"], seed: UInt64(bitPattern: row["seed"]), options: variants[variant])
                var image = ImageStatus(
                    index: id.index, request: request, state: state, picture: nil, pixels: nil, stages: [],
                    error: state == .failed ? row["reason"] : nil, warnings: [])
                try JobStore.addResults(to: &image, id, from: database)
                size += JobStore.bytes(of: image)
                images.append(image)
            }
            return images
        }
    }

    /// Blobs of images that ended by `changes`, which are on disk, that nobody needs any more: no picture,
    /// and no stage of an image that may still go on.
    /// - Throws: `StoreError.failed` or `.damaged`.
    package func disposable(after changes: [CoordinatorChange]) throws(StoreError) -> [BlobID] {
        let ended = changes.flatMap(\.endedImages)
        guard !ended.isEmpty else { return [] }
        return try read { database in
            // Of a cancelled job's images few had begun; the rows of the others are not looked at twice.
            let statement = try HotStatement(
                """
                SELECT DISTINCT mine.blob FROM images CROSS JOIN results AS mine USING (id)
                WHERE images.id >= ? AND images.id < ? AND images.state >= 2 AND mine.pixels IS NULL
                AND NOT EXISTS (
                    SELECT 1 FROM results AS other JOIN images AS owner USING (id)
                    WHERE other.blob = mine.blob AND (owner.state < 2 OR other.pixels IS NOT NULL))
                AND NOT EXISTS (
                    SELECT 1 FROM alarms WHERE alarms.blob = mine.blob OR alarms.committed = mine.blob)
                """, database)
            var blobs: [BlobID] = []
            for keys in ended {
                statement.bind(1, keys.lowerBound)
                statement.bind(2, keys.upperBound)
                while try statement.step() {
                    if let digest = statement.digest(0) { blobs.append(BlobID(digest)) }
                }
            }
            return blobs
        }
    }

    private static func bytes(of image: ImageStatus) -> Int {
        let texts = [image.request.prompt, image.error ?? ""] + image.warnings
        return 400 + texts.reduce(0) { $0 + $1.utf8.count } + 300 * image.stages.count
    }

    private static func addResults(to image: inout ImageStatus, _ id: ImageID, from database: Database) throws
    {
        let results = try Row.fetchAll(
            database.cachedStatement(sql: "SELECT * FROM results WHERE id = ? ORDER BY stage"),
            arguments: [id.key])
        for row in results {
            image.stages.append(
                StageRecord(
                    stage: StageName(row["name"]), worker: WorkerID(row["worker"]), seconds: row["seconds"],
                    attempt: row["attempt"]))
            if image.state == .done, let pixels = row.digest("pixels") {
                image.pixels = pixels
                image.picture = row.digest("blob").map(BlobID.init)
            }
        }
        image.warnings = try String.fetchAll(
            database.cachedStatement(sql: "SELECT text FROM warnings WHERE id = ? ORDER BY stage, place"),
            arguments: [id.key])
    }
}
