import CKernels
import Foundation
import Testing

/// Memory of one test: what it hands out lives until `free`.
final class Arena {
    private var blocks: [UnsafeMutableRawPointer] = []

    func free() {
        for block in blocks { block.deallocate() }
        blocks = []
    }

    /// `count` floats, all `value`. The address is a multiple of four bytes and no more, as a tensor's may
    /// be, or of a cache line if `aligned`.
    func filled(_ count: Int, _ value: Float = 0, aligned: Bool = false) -> UnsafeMutablePointer<Float> {
        let block = UnsafeMutableRawPointer.allocate(byteCount: (count + 1) * 4, alignment: 64)
        blocks.append(block)
        let floats = (block + (aligned ? 0 : 4)).bindMemory(to: Float.self, capacity: count)
        floats.initialize(repeating: value, count: count)
        return floats
    }

    /// `count` floats spread evenly over `range`.
    func random(_ count: Int, _ range: ClosedRange<Float> = -1...1, seed: UInt64 = 1) -> UnsafeMutablePointer<
        Float
    > {
        let floats = filled(count)
        var state = seed &* 0x9E37_79B9_7F4A_7C15
        for index in 0..<count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let unit = Float(state >> 40) / Float(1 << 24)
            floats[index] = range.lowerBound + unit * (range.upperBound - range.lowerBound)
        }
        return floats
    }

    /// `count` random weights of a type, at an odd address as a file may hold them, and the same as f32.
    func weights(_ count: Int, _ type: ck_type) -> (ck_weights, UnsafeMutablePointer<Float>) {
        let floats = random(count, seed: 2), size = type == CK_TYPE_F32 ? 4 : 2
        let block = UnsafeMutableRawPointer.allocate(byteCount: count * size + 1, alignment: 64)
        blocks.append(block)
        for index in 0..<count {
            let place = block + 1 + index * size
            switch type {
            case CK_TYPE_F16:
                let half = Self.halfBits(floats[index])
                place.storeBytes(of: half, as: UInt16.self)
                withUnsafePointer(to: half) { ck_f16_to_f32($0, floats + index, 1) }
            case CK_TYPE_BF16:
                floats[index] = Float(bitPattern: floats[index].bitPattern & 0xffff_0000)
                place.storeBytes(of: UInt16(floats[index].bitPattern >> 16), as: UInt16.self)
            default: place.storeBytes(of: floats[index], as: Float.self)
            }
        }
        return (ck_weights(values: block + 1, type: type), floats)
    }

    /// IEEE half of a float, cut off; numbers below 2⁻¹⁴ become zero.
    private static func halfBits(_ x: Float) -> UInt16 {
        let sign = UInt16(truncatingIfNeeded: x.bitPattern >> 16) & 0x8000
        guard abs(x) >= 0x1p-14 else { return sign }
        return sign | UInt16(truncatingIfNeeded: ((x.bitPattern & 0x7fff_ffff) >> 13) - (112 << 10))
    }

    /// A padded map with random pixels: (height + 2)×(width + 2), border zero, pixel stride `stride`.
    func paddedMap(_ images: Int, _ height: Int, _ width: Int, _ channels: Int, stride: Int)
        -> UnsafeMutablePointer<Float>
    {
        let values = random(images * (height + 2) * (width + 2) * stride, seed: 7)
        for pixel in 0..<images * (height + 2) * (width + 2) {
            let x = pixel % (width + 2), y = pixel / (width + 2) % (height + 2)
            guard x == 0 || x == width + 1 || y == 0 || y == height + 1 else { continue }
            for channel in 0..<stride { values[pixel * stride + channel] = 0 }
        }
        return values
    }
}

/// What outputs are filled with beforehand, to see that nothing is written beside them.
let untouched: Float = 7.5

/// Runs `body` on each path that the machine has, with one, two and three threads, and expects the bits
/// that the portable path gives with one thread. Returns those.
func expectSameBits(
    _ arena: Arena, count: Int, aligned: Bool = false, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: (ck_context, UnsafeMutablePointer<Float>) -> Void
) throws -> UnsafeMutablePointer<Float> {
    let expected = arena.filled(count, untouched, aligned: aligned)
    let actual = arena.filled(count, untouched, aligned: aligned)
    for path in [CK_PATH_PORTABLE, CK_PATH_AVX2, CK_PATH_AVX512] where ck_path_available(path) {
        for threads in 1...3 {
            let pool = try #require(ck_pool_create(Int32(threads)), sourceLocation: sourceLocation)
            defer { ck_pool_destroy(pool) }
            let context = ck_context(pool: pool, path: path)
            if path == CK_PATH_PORTABLE && threads == 1 {
                body(context, expected)
                continue
            }
            actual.update(repeating: untouched, count: count)
            body(context, actual)
            var wrong: Int?
            if memcmp(actual, expected, count * 4) != 0 {
                wrong = (0..<count).first { actual[$0].bitPattern != expected[$0].bitPattern }
            }
            #expect(
                wrong == nil, "path \(path.rawValue), \(threads) threads, element \(wrong ?? 0)",
                sourceLocation: sourceLocation)
        }
    }
    return expected
}

/// Largest difference, relative to the largest reference value.
func relativeError(_ actual: UnsafeMutablePointer<Float>, _ reference: [Double?]) -> Double {
    var worst = 0.0, largest = 1e-30
    for (index, value) in reference.enumerated() {
        guard let value else {
            if actual[index] != untouched { return .infinity }
            continue
        }
        worst = max(worst, abs(Double(actual[index]) - value))
        largest = max(largest, abs(value))
        if actual[index].isNaN { return .infinity }
    }
    return worst / largest
}

/// The activations in f64.
func activated(_ activation: ck_activation, _ x: Double) -> Double {
    switch activation {
    case CK_ACTIVATION_SILU: x / (1 + ck_exp(-x))
    case CK_ACTIVATION_QUICK_GELU: x / (1 + ck_exp(-1.702 * x))
    case CK_ACTIVATION_GELU: 0.5 * x * (1 + errorFunction(x / 2.0.squareRoot()))
    default: x
    }
}

/// erf by its series, enough terms for |x| < 5.
func errorFunction(_ x: Double) -> Double {
    if abs(x) > 5 { return x < 0 ? -1 : 1 }
    var term = x, sum = x
    for n in 1..<150 {
        term *= -x * x / Double(n)
        sum += term / Double(2 * n + 1)
    }
    return sum * 2 / Double.pi.squareRoot()
}

/// An epilogue as a test case states it.
struct Ending: Sendable, CustomTestStringConvertible {
    var bias = true
    var biasPerImage = false
    var residual = false
    var activation = CK_ACTIVATION_NONE
    var scale: Float = 1

    static let all = [
        Ending(bias: false), Ending(), Ending(biasPerImage: true, residual: true, scale: 0.70710678),
        Ending(activation: CK_ACTIVATION_SILU), Ending(residual: true, activation: CK_ACTIVATION_GELU),
        Ending(biasPerImage: true, activation: CK_ACTIVATION_QUICK_GELU, scale: 2),
    ]

    var testDescription: String {
        "bias \(bias), per image \(biasPerImage), residual \(residual), activation \(activation.rawValue)"
    }

    /// The C epilogue over freshly made arrays; the residual has rows of `channels` + 1 floats.
    func epilogue(_ arena: Arena, images: Int, rows: Int, channels: Int) -> ck_epilogue {
        ck_epilogue(
            bias: bias ? UnsafePointer(arena.random(images * channels, seed: 31)) : nil,
            bias_image_stride: biasPerImage ? channels : 0,
            residual: residual ? UnsafePointer(arena.random(rows * (channels + 1), seed: 32)) : nil,
            residual_stride: channels + 1, activation: activation, scale: scale)
    }
}

extension ck_epilogue {
    /// The end of one output in f64.
    func applied(to sum: Double, image: Int, row: Int, channel: Int) -> Double {
        var value = sum
        if let bias { value += Double(bias[image * bias_image_stride + channel]) }
        value = activated(activation, value)
        if let residual { value += Double(residual[row * residual_stride + channel]) }
        return value * Double(scale)
    }
}
