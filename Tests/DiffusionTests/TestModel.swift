import Diffusion
import Foundation

/// The model that ships with the repository, or the one that `TESSERA_MODEL` names.
enum TestModel {
    static let folder =
        ProcessInfo.processInfo.environment["TESSERA_MODEL"]
        ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "weights/emoji").path(percentEncoded: false)

    private static let opened = Result { try Cascade(folder: folder) }

    /// The model, opened once for all tests.
    static func cascade() throws -> Cascade { try opened.get() }
}

/// A copy of the shipped model with some files changed; the folder goes with the last reference.
final class ChangedModel {
    enum Change {
        case text(String)
        case bytes([UInt8])
        /// In the shipped file's text, the first string becomes the second.
        case replacing(String, String)
        case removed
    }

    let folder: String

    /// - Parameter changes: by path below the folder; a path that ends in "/" is a folder.
    init(_ changes: [String: Change]) throws {
        let files = FileManager.default
        folder = files.temporaryDirectory.appending(path: "model-\(UUID().uuidString)").path(
            percentEncoded: false)
        let original = URL(filePath: TestModel.folder).resolvingSymlinksInPath().path(percentEncoded: false)
        for path in try files.subpathsOfDirectory(atPath: original) {
            let target = URL(filePath: "\(folder)/\(path)")
            try files.createDirectory(
                at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
            var isFolder: ObjCBool = false
            guard files.fileExists(atPath: "\(original)/\(path)", isDirectory: &isFolder), !isFolder.boolValue
            else { continue }
            try files.createSymbolicLink(
                atPath: target.path(percentEncoded: false), withDestinationPath: "\(original)/\(path)")
        }
        for (path, change) in changes { try apply(change, at: "\(folder)/\(path)") }
    }

    /// Opens the copy. (The folder is there as long as this object is.)
    func cascade() throws -> Cascade { try withExtendedLifetime(self) { try Cascade(folder: folder) } }

    private func apply(_ change: Change, at path: String) throws {
        let files = FileManager.default
        let old = try? String(contentsOfFile: path, encoding: .utf8)
        try? files.removeItem(atPath: path)
        switch change {
        case .removed: return
        case .text(let text): try Data(text.utf8).write(to: URL(filePath: path))
        case .bytes(let bytes): try Data(bytes).write(to: URL(filePath: path))
        case .replacing(let from, let to):
            guard let old, old.contains(from) else { throw Missing(text: from, path: path) }
            try Data(old.replacingOccurrences(of: from, with: to).utf8).write(to: URL(filePath: path))
        }
    }

    /// A change whose text the shipped file does not have.
    struct Missing: Error {
        let text: String
        let path: String
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }
}
