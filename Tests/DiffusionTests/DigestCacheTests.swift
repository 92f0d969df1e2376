import Diffusion
import Foundation
import Testing

/// A model's hash is known at once when its files have not changed, and never when they have.
@Suite struct DigestCacheTests {
    @Test func digestsOutliveTheProcess() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "digests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let new = folder.appending(path: "weights").path(percentEncoded: false)
        try Data("one".utf8).write(to: URL(filePath: new))
        #expect(DigestCache.Identity(path: new) == nil, "it could change again within the clock's grain")
        #expect(DigestCache.Identity(path: new + "x") == nil)
        let old = "/proc/self/exe"
        let identity = try #require(DigestCache.Identity(path: old))
        #expect(DigestCache.Identity(path: old) == identity)

        let digest = String(repeating: "a", count: 64)
        let place = folder.appending(path: "cache/digests").path(percentEncoded: false)
        var cache = DigestCache(path: place)
        #expect(cache[identity] == nil)
        cache.insert(digest, for: identity)
        cache.save()
        #expect(DigestCache(path: place)[identity] == digest)
        #expect(DigestCache(path: nil)[identity] == nil)
    }
}
