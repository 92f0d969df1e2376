import Diffusion
import Foundation

/// The model that ships with the repository.
enum TestModel {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "weights/emoji").path(percentEncoded: false)

    private static let opened = Result { try Cascade(folder: folder) }

    /// The model, opened once for all tests.
    static func cascade() throws -> Cascade { try opened.get() }
}
