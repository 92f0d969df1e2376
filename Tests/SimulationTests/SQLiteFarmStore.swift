import Farm
import Foundation
import Simulation
import Store

/// The real store, so that a part of the seeds runs over SQLite.
final class SQLiteFarmStore: FarmStore {
    private let path: String
    private let store: JobStore

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "simulation-\(UUID().uuidString)")
            .path()
        store = try JobStore(DataFolder(path: path))
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func commit(_ changes: [CoordinatorChange]) throws(StoreFailure) {
        try wrap { () throws(StoreError) in try store.commit(changes) }
    }

    func load() throws(StoreFailure) -> CoordinatorSnapshot {
        try wrap { () throws(StoreError) in try store.load() }
    }

    func request(of image: ImageID, options: RenderOptions) throws(StoreFailure) -> ImageRequest? {
        try wrap { () throws(StoreError) in
            try store.images(of: image.job, from: image.index, limit: 1).first?.request
        }
    }

    func source(of request: ImageRequest, at index: Int) -> PictureSource {
        PictureSource(prompt: request.prompt, seed: request.seed)
    }

    func disposable(after changes: [CoordinatorChange]) throws(StoreFailure) -> [BlobID] {
        try wrap { () throws(StoreError) in try store.disposable(after: changes).sorted() }
    }

    private func wrap<Value>(_ body: () throws(StoreError) -> Value) throws(StoreFailure) -> Value {
        do throws(StoreError) {
            return try body()
        } catch {
            throw StoreFailure(error.description)
        }
    }
}
