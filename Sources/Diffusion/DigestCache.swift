import Foundation

/// SHA-256 digests of large files that were hashed before, so that a worker with gigabytes of weights starts
/// at once. A file is known while its device, inode, length and times of change are what they were.
///
/// It lives in `$XDG_CACHE_HOME/tessera/digests`, or in `~/.cache`; where that cannot be written, every file
/// is simply hashed again.
package struct DigestCache {
    /// The oldest entries beyond these are forgotten.
    private static let maximumEntries = 1000
    /// Files changed more recently than this could change again without a new time of change.
    private static let settlingSeconds = 2

    /// What identifies a file's present content.
    package struct Identity: Hashable {
        fileprivate let text: String

        /// Nil for what is not there, or changed only just now.
        package init?(path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            let newest = max(status.st_mtim.tv_sec, status.st_ctim.tv_sec)
            guard newest + DigestCache.settlingSeconds < time(nil) else { return nil }
            let times = [status.st_mtim, status.st_ctim].map { "\($0.tv_sec).\($0.tv_nsec)" }
            text = "\(status.st_dev) \(status.st_ino) \(status.st_size) " + times.joined(separator: " ")
        }
    }

    private let path: String?
    /// Identities' texts with digests, the oldest first.
    private var entries: [(identity: String, digest: String)] = []

    /// Reads the cache at `path`; nil stands for none.
    package init(path: String?) {
        self.path = path
        guard let path, let text = try? String(contentsOfFile: path, encoding: .utf8) else { return }
        for line in text.split(separator: "\n") {
            guard let end = line.lastIndex(of: " ") else { continue }
            let digest = line[line.index(after: end)...]
            if digest.utf8.count == 64 { entries.append((String(line[..<end]), String(digest))) }
        }
    }

    /// This user's cache.
    static func standard(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> DigestCache {
        let base = environment["XDG_CACHE_HOME"] ?? environment["HOME"].map { joined($0, ".cache") }
        return DigestCache(path: base.flatMap { $0.hasPrefix("/") ? joined($0, "tessera/digests") : nil })
    }

    /// 64 hexadecimal digits; nil for an unknown file.
    package subscript(identity: Identity) -> String? {
        entries.last { $0.identity == identity.text }?.digest
    }

    package mutating func insert(_ digest: String, for identity: Identity) {
        entries.append((identity.text, digest))
        entries.removeFirst(max(0, entries.count - Self.maximumEntries))
    }

    /// Keeps the cache for later processes, where it can be written.
    package func save() {
        guard let path else { return }
        let place = URL(filePath: path)
        try? FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        let text = entries.map { "\($0.identity) \($0.digest)\n" }.joined()
        try? Data(text.utf8).write(to: place, options: .atomic)
    }
}
