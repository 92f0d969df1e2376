import CKernels
import Testing

/// Copying, pooling and resampling of maps.
struct MapTests {
    struct Map: Sendable {
        var images = 1
        let height, width, channels: Int
        var padded = false
    }

    static let maps = [
        Map(height: 2, width: 2, channels: 1),
        Map(images: 2, height: 6, width: 10, channels: 3, padded: true),
        Map(images: 2, height: 4, width: 8, channels: 16, padded: true),
        Map(height: 8, width: 6, channels: 33),
    ]

    private typealias Operation = (
        ck_context, Int, Int, Int, Int, UnsafePointer<Float>, Int, Bool, UnsafeMutablePointer<Float>, Int
    ) -> Void

    /// Runs a map operation whose output is `height`×`width` and holds `value(image, y, x, channel)`.
    private func check(
        _ m: Map, height: Int, width: Int, _ operation: Operation,
        value: (_ at: (Int, Int, Int, Int) -> Double, Int, Int, Int, Int) -> Double
    ) throws {
        let arena = Arena()
        defer { arena.free() }
        let ldx = m.channels + 1, ldy = m.channels + 2, border = m.padded ? 2 : 0
        let x = arena.random(m.images * m.height * m.width * ldx)
        let count = m.images * (height + border) * (width + border) * ldy
        let y = try expectSameBits(arena, count: count) { context, y in
            operation(context, m.images, m.height, m.width, m.channels, x, ldx, m.padded, y, ldy)
        }
        let at = { (image: Int, y: Int, column: Int, channel: Int) in
            Double(x[((image * m.height + y) * m.width + column) * ldx + channel])
        }
        var plain: [Double] = []
        for image in 0..<m.images {
            for row in 0..<height {
                for column in 0..<width {
                    for channel in 0..<m.channels { plain.append(value(at, image, row, column, channel)) }
                }
            }
        }
        let reference = placed(plain, m.images, height, width, m.channels, padded: m.padded, stride: ldy)
        #expect(relativeError(y, reference) < 2e-7)
    }

    @Test(arguments: maps)
    func copy(_ m: Map) throws {
        try check(m, height: m.height, width: m.width, ck_copy_map) { at, image, y, x, channel in
            at(image, y, x, channel)
        }
    }

    @Test(arguments: maps)
    func averagePool(_ m: Map) throws {
        try check(m, height: m.height / 2, width: m.width / 2, ck_average_pool2) { at, image, y, x, channel in
            let upper = at(image, 2 * y, 2 * x, channel) + at(image, 2 * y, 2 * x + 1, channel)
            let lower = at(image, 2 * y + 1, 2 * x, channel) + at(image, 2 * y + 1, 2 * x + 1, channel)
            return (upper + lower) / 4
        }
    }

    @Test(arguments: maps)
    func nearest(_ m: Map) throws {
        try check(m, height: m.height * 2, width: m.width * 2, ck_nearest_up2) { at, image, y, x, channel in
            at(image, y / 2, x / 2, channel)
        }
    }

    @Test(arguments: [
        (Map(height: 8, width: 8, channels: 3), 32, 32),
        (Map(images: 2, height: 9, width: 12, channels: 3), 4, 5),
        (Map(height: 1, width: 3, channels: 17), 5, 3), (Map(height: 16, width: 7, channels: 2), 7, 16),
    ])
    func bicubic(_ m: Map, outHeight: Int, outWidth: Int) throws {
        let arena = Arena()
        defer { arena.free() }
        let ldx = m.channels + 1, ldy = m.channels + 2
        let x = arena.random(m.images * m.height * m.width * ldx)
        let y = try expectSameBits(arena, count: m.images * outHeight * outWidth * ldy) { context, y in
            ck_bicubic(context, m.images, m.height, m.width, m.channels, x, ldx, outHeight, outWidth, y, ldy)
        }
        let rows = bicubicWeights(m.height, outHeight), columns = bicubicWeights(m.width, outWidth)
        var reference = [Double?](repeating: nil, count: m.images * outHeight * outWidth * ldy)
        for pixel in 0..<m.images * outHeight * outWidth {
            let image = pixel / (outHeight * outWidth)
            for channel in 0..<m.channels {
                var sum = 0.0
                for (i, rowWeight) in rows[pixel / outWidth % outHeight] {
                    for (j, columnWeight) in columns[pixel % outWidth] {
                        let source = ((image * m.height + i) * m.width + j) * ldx + channel
                        sum += Double(x[source]) * rowWeight * columnWeight
                    }
                }
                reference[pixel * ldy + channel] = sum
            }
        }
        #expect(relativeError(y, reference) < 5e-7)
    }

    /// For each output its inputs and weights: Keys' cubic with a = −½, widened when shrinking, summing to 1.
    private func bicubicWeights(_ inputs: Int, _ outputs: Int) -> [[(Int, Double)]] {
        let scale = Double(inputs) / Double(outputs), widening = max(scale, 1)
        return (0..<outputs).map { output in
            let center = (Double(output) + 0.5) * scale - 0.5
            let weights = (0..<inputs).map { input in
                let t = abs(Double(input) - center) / widening
                return t < 1
                    ? 1.5 * t * t * t - 2.5 * t * t + 1
                    : t < 2 ? -0.5 * t * t * t + 2.5 * t * t - 4 * t + 2 : 0
            }
            let total = weights.reduce(0, +)
            return weights.enumerated().map { ($0.offset, $0.element / total) }
        }
    }

    /// The values that torch 2.15 gives for interpolate(arange(4), size=8, mode="bicubic", antialias=True).
    @Test func bicubicAsTorch() throws {
        let arena = Arena()
        defer { arena.free() }
        let x = arena.filled(4)
        for index in 0..<4 { x[index] = Float(index) }
        let y = try expectSameBits(arena, count: 8) { context, y in
            ck_bicubic(context, 1, 1, 4, 1, x, 1, 1, 8, y, 1)
        }
        let torch: [Double?] = [
            -0.0882352963, 0.167883217, 0.709923685, 1.25, 1.75, 2.29007626, 2.83211684, 3.08823514,
        ]
        #expect(relativeError(y, torch) < 2e-7)
    }
}
