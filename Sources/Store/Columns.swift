import Farm
import Foundation
import GRDB

/// How Farm's values stand in the tables.
extension ImageID {
    var key: Int64 { job.number * Schema.imagesPerJob + Int64(index) }

    init(key: Int64) {
        self.init(job: JobID(key / Schema.imagesPerJob), index: Int(key % Schema.imagesPerJob))
    }
}

extension JobID {
    /// The keys of its images.
    var keys: Range<Int64> { number * Schema.imagesPerJob..<(number + 1) * Schema.imagesPerJob }
}

extension Digest {
    var data: Data { Data(bytes) }
}

extension JobState {
    var code: Int {
        switch self {
        case .draft: 0
        case .active: 1
        case .paused: 2
        case .finished: 3
        case .cancelled: 4
        }
    }

    init?(code: Int) {
        guard let state = JobState.allCases.first(where: { $0.code == code }) else { return nil }
        self = state
    }
}

extension ImageState {
    var code: Int {
        switch self {
        case .waiting: 0
        case .running: 1
        case .done: 2
        case .failed: 3
        case .cancelled: 4
        }
    }

    init?(code: Int) {
        guard let state = ImageState.allCases.first(where: { $0.code == code }) else { return nil }
        self = state
    }
}

extension Row {
    /// A digest's column; nil where it is null or not 32 bytes.
    func digest(_ column: String) -> Digest? {
        (self[column] as Data?).flatMap { Digest(bytes: $0) }
    }
}
