import Foundation

/// One source file of the package as lines of text.
struct SourceFile {
    /// Path below the package's root, such as `Sources/Farm/JobID.swift`.
    let path: String
    let lines: [String]

    init(path: String, text: String) {
        self.path = path
        self.lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    var isSwift: Bool { path.hasSuffix(".swift") }
    /// Written by a generator, so no limit applies.
    var isGenerated: Bool { path.hasSuffix(".pb.swift") }

    /// The target that owns the file, or nil for tests and scripts.
    var target: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }

    /// The package's root folder.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Every Swift and C file below `Sources` and `Tests`.
    static func all() throws -> [SourceFile] {
        let kinds: Set = ["swift", "c", "h", "inc"]
        return try ["Sources", "Tests"].flatMap { folder in
            try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: folder).path())
                .filter { kinds.contains(($0 as NSString).pathExtension) }
                .sorted()
                .map { "\(folder)/\($0)" }
        }.map { path in
            SourceFile(path: path, text: try String(contentsOf: root.appending(path: path), encoding: .utf8))
        }
    }
}
