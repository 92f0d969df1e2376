import Diffusion
import Foundation
import Imaging
import TensorEngine
import Testing

/// Reference results that PyTorch and diffusers made from the shipped weights (Tests/Golden/README.md says
/// how).
enum Golden {
    /// One line of requests.jsonl.
    struct Request: Decodable, Sendable, CustomTestStringConvertible {
        let id: String
        let prompt: String
        let seed: UInt64
        let size: Int
        /// Whether intermediate tensors were kept.
        let tensors: Bool

        var testDescription: String { "\(id) “\(prompt)”" }

        var request: RenderRequest { RenderRequest(prompt: prompt, seed: seed, size: size) }
    }

    /// `TESSERA_GOLDEN`, else Tests/Golden.
    static var folder: String {
        ProcessInfo.processInfo.environment["TESSERA_GOLDEN"]
            ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Golden").path(percentEncoded: false)
    }

    static func requests() throws -> [Request] {
        let text = try String(contentsOfFile: folder + "/requests.jsonl", encoding: .utf8)
        return try text.split(separator: "\n").map { line in
            try JSONDecoder().decode(Request.self, from: Data(line.utf8))
        }
    }

    static func tensors(_ id: String) throws -> SafetensorsFile {
        try SafetensorsFile(path: "\(folder)/\(id).safetensors")
    }

    static func picture(_ id: String, size: Int) throws -> PixelImage {
        let file = try Data(contentsOf: URL(filePath: "\(folder)/\(id)-\(size).png"))
        return try PNG.decode(Array(file)).image
    }

    /// Largest difference over the largest magnitude of the reference.
    static func difference(_ values: [Float], _ reference: [Float]) -> Float {
        guard values.count == reference.count, values.allSatisfy(\.isFinite) else { return .infinity }
        let scale = reference.reduce(Float.leastNormalMagnitude) { max($0, abs($1)) }
        return zip(values, reference).reduce(0) { max($0, abs($1.0 - $1.1)) } / scale
    }
}
