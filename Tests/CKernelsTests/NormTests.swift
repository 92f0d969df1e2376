import CKernels
import Testing

/// Group and layer norm: the naive twins against f64, the vector paths against the twins.
struct NormTests {
    struct Group: Sendable {
        var images = 1
        let height, width, channels, groups: Int
        var scaled = false, silu = true, padded = false
        var center: Float = 0
    }

    @Test(arguments: [
        Group(height: 1, width: 1, channels: 4, groups: 2, silu: false),
        Group(images: 2, height: 8, width: 8, channels: 16, groups: 8, scaled: true, padded: true),
        Group(height: 12, width: 11, channels: 48, groups: 8, padded: true),
        Group(height: 16, width: 17, channels: 6, groups: 3, silu: false, padded: true),
        Group(images: 2, height: 9, width: 16, channels: 192, groups: 32, scaled: true),
        Group(height: 20, width: 20, channels: 100, groups: 4, center: 30),
        Group(height: 13, width: 29, channels: 17, groups: 1, scaled: true, silu: false),
    ])
    func groupNorm(_ g: Group) throws {
        let arena = Arena()
        defer { arena.free() }
        let ldx = g.channels + 1, ldy = g.channels + 2
        let x = arena.random(g.images * g.height * g.width * ldx, (g.center - 1)...(g.center + 2))
        let weight = arena.random(g.channels, seed: 2), bias = arena.random(g.channels, seed: 3)
        let scaleShift = arena.random(g.images * 2 * g.channels, seed: 4)
        let shape = ck_group_norm_shape(
            images: g.images, height: g.height, width: g.width, channels: g.channels, groups: g.groups,
            epsilon: 1e-5)
        let border = g.padded ? 2 : 0
        let count = g.images * (g.height + border) * (g.width + border) * ldy
        let y = try expectSameBits(arena, count: count) { context, y in
            ck_group_norm(
                context, shape, x, ldx, weight, bias, g.scaled ? scaleShift : nil,
                g.silu ? CK_ACTIVATION_SILU : CK_ACTIVATION_NONE, g.padded, y, ldy)
        }
        let plain = exactGroupNorm(g, x, ldx, weight, bias, g.scaled ? scaleShift : nil)
        let reference = placed(plain, g.images, g.height, g.width, g.channels, padded: g.padded, stride: ldy)
        #expect(relativeError(y, reference) < 1e-5)
    }

    /// Bands are rows of the whole normalised map, with the neighbouring rows above and below.
    @Test(arguments: [(0, 12), (0, 4), (4, 4), (8, 4), (11, 1)])
    func bandsAreRowsOfTheWhole(first: Int, rows: Int) throws {
        let arena = Arena()
        defer { arena.free() }
        let images = 2, height = 12, width = 11, channels = 40, ldx = 41, ldy = 42
        let x = arena.random(images * height * width * ldx), weight = arena.random(channels, seed: 2)
        let scaleShift = arena.random(images * 2 * channels, seed: 4)
        var shape = ck_group_norm_shape(
            images: images, height: height, width: width, channels: channels, groups: 8, epsilon: 1e-5)
        let affineFloats = ck_affine_floats(shape), line = (width + 2) * ldy
        let whole = try expectSameBits(arena, count: images * (height + 2) * line) { context, y in
            ck_group_norm(
                context, shape, x, ldx, weight, weight, scaleShift, CK_ACTIVATION_SILU, true, y, ldy)
        }
        let affine = arena.random(affineFloats)
        for image in 0..<images {
            let band = try expectSameBits(arena, count: (rows + 2) * line) { context, y in
                shape.images = images
                ck_group_norm_affine(context, shape, x, ldx, weight, weight, scaleShift, affine)
                shape.images = 1
                ck_normalise_band(
                    context, shape, x + image * height * width * ldx, ldx,
                    affine + image * affineFloats / images, CK_ACTIVATION_SILU, first, rows, y, ldy)
            }
            let start = (image * (height + 2) + first) * line
            #expect((0..<(rows + 2) * line).allSatisfy { band[$0] == whole[start + $0] })
        }
    }

    private func exactGroupNorm(
        _ g: Group, _ x: UnsafeMutablePointer<Float>, _ ldx: Int, _ weight: UnsafeMutablePointer<Float>,
        _ bias: UnsafeMutablePointer<Float>, _ scaleShift: UnsafeMutablePointer<Float>?
    ) -> [Double] {
        let pixels = g.height * g.width, size = g.channels / g.groups
        var result = [Double](repeating: 0, count: g.images * pixels * g.channels)
        for image in 0..<g.images {
            for group in 0..<g.groups {
                let channels = group * size..<(group + 1) * size
                let values = (0..<pixels).flatMap { pixel in
                    channels.map { Double(x[(image * pixels + pixel) * ldx + $0]) }
                }
                let mean = values.reduce(0, +) / Double(values.count)
                let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
                for (index, value) in values.enumerated() {
                    let channel = group * size + index % size, pixel = image * pixels + index / size
                    var normal = (value - mean) / (variance + 1e-5).squareRoot()
                    normal = normal * Double(weight[channel]) + Double(bias[channel])
                    if let scaleShift {
                        let scales = scaleShift + image * 2 * g.channels
                        normal = normal * (1 + Double(scales[channel])) + Double(scales[g.channels + channel])
                    }
                    result[pixel * g.channels + channel] =
                        g.silu ? activated(CK_ACTIVATION_SILU, normal) : normal
                }
            }
        }
        return result
    }

    @Test(arguments: [(1, 1), (3, 16), (17, 45), (9, 192), (20, 768)], [true, false])
    func layerNorm(_ size: (rows: Int, channels: Int), affine: Bool) throws {
        let arena = Arena()
        defer { arena.free() }
        let (rows, channels) = size
        let x = arena.random(rows * (channels + 1), -2...5)
        let weight = arena.random(channels, seed: 2), bias = arena.random(channels, seed: 3)
        let y = try expectSameBits(arena, count: rows * (channels + 2)) { context, y in
            ck_layer_norm(
                context, rows, channels, 1e-5, x, channels + 1, affine ? weight : nil, affine ? bias : nil, y,
                channels + 2)
        }
        var reference = [Double?](repeating: nil, count: rows * (channels + 2))
        for row in 0..<rows {
            let values = (0..<channels).map { Double(x[row * (channels + 1) + $0]) }
            let mean = values.reduce(0, +) / Double(channels)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(channels)
            for (channel, value) in values.enumerated() {
                let normal = (value - mean) / (variance + 1e-5).squareRoot()
                reference[row * (channels + 2) + channel] =
                    affine ? normal * Double(weight[channel]) + Double(bias[channel]) : normal
            }
        }
        #expect(relativeError(y, reference) < 3e-6)
    }
}

/// A plain map's values where an output holds them: stride gaps untouched, and around a padded one zeros.
func placed(
    _ plain: [Double], _ images: Int, _ height: Int, _ width: Int, _ channels: Int, padded: Bool, stride: Int
) -> [Double?] {
    let border = padded ? 1 : 0, rows = height + 2 * border, columns = width + 2 * border
    var result = [Double?](repeating: nil, count: images * rows * columns * stride)
    for pixel in 0..<images * rows * columns {
        let x = pixel % columns - border, y = pixel / columns % rows - border,
            image = pixel / (columns * rows)
        let inside = x >= 0 && x < width && y >= 0 && y < height
        for channel in 0..<channels {
            let source = ((image * height + y) * width + x) * channels + channel
            result[pixel * stride + channel] = inside ? plain[source] : 0
        }
    }
    return result
}
