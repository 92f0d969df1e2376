/// The stated maxima of the farm. Both ends check them; a message beyond one is refused, never trimmed
/// silently.
package enum Limits {
    /// Messages that one connection may send in a second; more are dropped, and repeated by their sender.
    package static let messagesPerSecond = 10_000
    /// Images in one job.
    package static let imagesPerJob = 1_000_000
    /// Images in one message of a submission.
    package static let imagesPerChunk = 1000
    /// UTF-8 bytes of a prompt.
    package static let promptBytes = 64 << 10
    /// UTF-8 bytes of a name (job, owner, model, stage, worker, host, tag).
    package static let nameBytes = 256
    /// UTF-8 bytes of a message meant for people.
    package static let textBytes = 4 << 10
    /// Bytes of one control message on the wire.
    package static let controlMessageBytes = 4 << 20
    /// Messages that travel together at most.
    package static let messagesPerBundle = 128
    /// Bytes of messages that travel together; a longer one travels alone.
    package static let bundleBytes = 256 << 10
    /// Bytes of blob content in one chunk.
    package static let chunkBytes = 1 << 20
    /// Bytes of one message of the blob sockets on the wire.
    package static let blobMessageBytes = chunkBytes + 4096
    /// Bytes of a blob.
    package static let blobBytes = 256 << 20
    /// Models that one worker may announce.
    package static let modelsPerWorker = 64
    /// Stages of one model, and so of one plan.
    package static let stagesPerModel = 16
    /// Leases that a worker may list when it says hello.
    package static let leasesPerHello = 64
    /// Tasks that a worker may hold at once, running and queued.
    package static let slotsPerWorker = 64
    /// Warnings of one task.
    package static let warningsPerTask = 16
    /// Tags of one worker.
    package static let tagsPerWorker = 32
    /// Distinct render options in one job.
    package static let variantsPerJob = 1024
    /// Rows in one page of an answer.
    package static let rowsPerPage = 1000
    /// Milliseconds that a status request may ask to be held open.
    package static let statusWaitMilliseconds: Int64 = 60_000
    /// Workers known at once.
    package static let workers = 16_384
    /// Submissions begun and not finished at once.
    package static let drafts = 256
    /// Jobs kept at once, finished ones included.
    package static let jobs = 100_000
}
