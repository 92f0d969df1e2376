import TensorEngine

/// A picture as 8-bit RGB, made from the blob of an image stage.
package struct StagePicture: Sendable, Hashable {
    /// Pixels a row.
    package let width: Int
    package let height: Int
    /// Rows from the top, three interleaved bytes a pixel.
    package let rgb: [UInt8]
}

extension StagePicture {
    /// Sides up to this are accepted.
    private static let maximumSide = 16_384

    /// Reads a stage's result with its "image" [1, 3, height, width] in −1…1: each value becomes
    /// round-half-even(clamp(x·0.5 + 0.5)·255).
    ///
    /// - Throws: `StageError.badInput`, where the blob is no such file.
    package init(blob: [UInt8]) throws(StageError) {
        let (shape, values) = try StageBlob.read("image", from: blob, stage: "picture")
        guard shape.count == 4, shape[0] == 1, shape[1] == 3, (1...Self.maximumSide).contains(shape[2]),
            (1...Self.maximumSide).contains(shape[3])
        else {
            throw .badInput(stage: "picture", reason: "its image has the shape \(shape)")
        }
        height = shape[2]
        width = shape[3]
        let pixels = shape[2] * shape[3]
        rgb = [UInt8](unsafeUninitializedCapacity: 3 * pixels) { bytes, count in
            for pixel in 0..<pixels {
                for channel in 0..<3 {
                    let value = values[channel * pixels + pixel] * 0.5 + 0.5
                    // A NaN becomes 0: max and min return their other operand.
                    let clamped = max(0, min(1, value.isNaN ? 0 : value))
                    bytes[3 * pixel + channel] = UInt8((clamped * 255).rounded(.toNearestOrEven))
                }
            }
            count = 3 * pixels
        }
    }
}

/// The safetensors files that stages hand to one another.
enum StageBlob {
    static func write(_ name: String, shape: [Int], values: [Float]) -> [UInt8] {
        SafetensorsWriter.bytes([.init(name: name, shape: shape, values: values)])
    }

    /// The tensor `name`; whatever is wrong is said about `stage`'s input.
    static func read(
        _ name: String, from blob: [UInt8], stage: String
    ) throws(StageError) -> (shape: [Int], values: [Float]) {
        do {
            let file = try SafetensorsFile(bytes: blob, name: "the blob")
            guard let entry = file.entries[name] else {
                throw StageError.badInput(stage: stage, reason: "it has no tensor \"\(name)\"")
            }
            return (entry.shape, try file.floats(name))
        } catch let error as StageError {
            throw error
        } catch {
            throw .badInput(stage: stage, reason: "\(error)")
        }
    }
}
