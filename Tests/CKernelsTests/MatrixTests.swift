import CKernels
import Testing

/// Matrix products and convolutions: the naive twins against sums in f64, the vector paths against the twins.
struct MatrixTests {
    struct Product: Sendable {
        var images = 1
        let m, n, k: Int
        var type = CK_TYPE_F32
        var ending = Ending()
    }

    static let precisions = [CK_EXACT, CK_FAST]

    static let products =
        [
            Product(m: 1, n: 1, k: 1), Product(m: 2, n: 48, k: 7), Product(m: 13, n: 33, k: 65),
            Product(m: 97, n: 16, k: 16), Product(m: 5, n: 130, k: 31), Product(m: 200, n: 20, k: 40),
            Product(m: 1, n: 70, k: 1301), Product(m: 30, n: 40, k: 700), Product(m: 1100, n: 33, k: 650),
            Product(m: 40, n: 200, k: 510),  // rows 512 floats apart
            Product(m: 45, n: 40, k: 1500),  // two loads of panels in fast mode too
            Product(m: 430, n: 100, k: 10000),  // rows packed in two parts there, with two threads
            // Bare ones are summed where they stay: over one load of panels and over two.
            Product(m: 40, n: 100, k: 510, ending: Ending(bias: false)),
            Product(m: 45, n: 70, k: 1500, ending: Ending(bias: false)),
            Product(m: 1, n: 70, k: 5000, ending: Ending(bias: false)),
            Product(m: 7, n: 37, k: 45, type: CK_TYPE_F16), Product(m: 31, n: 64, k: 672, type: CK_TYPE_F16),
            Product(m: 7, n: 37, k: 45, type: CK_TYPE_BF16),
            Product(m: 31, n: 64, k: 672, type: CK_TYPE_BF16),
        ] + Ending.all.map { Product(images: 3, m: 39, n: 50, k: 18, ending: $0) }

    @Test(arguments: products, precisions)
    func matrixProduct(_ p: Product, precision: ck_precision) throws {
        let arena = Arena()
        defer { arena.free() }
        let lda = p.k + 2, ldc = p.n + 3
        let a = arena.random(p.m * lda), (weights, weight) = arena.weights(p.n * p.k, p.type)
        let epilogue = p.ending.epilogue(arena, images: p.images, rows: p.m, channels: p.n)
        let c = try expectSameBits(arena, count: p.m * ldc) { context, c in
            ck_gemm(context, precision, p.images, p.m, p.n, p.k, a, lda, weights, epilogue, c, ldc)
        }
        var reference = [Double?](repeating: nil, count: p.m * ldc)
        for row in 0..<p.m {
            for column in 0..<p.n {
                var sum = 0.0
                for k in 0..<p.k { sum += Double(a[row * lda + k]) * Double(weight[column * p.k + k]) }
                reference[row * ldc + column] = epilogue.applied(
                    to: sum, image: row / (p.m / p.images), row: row, channel: column)
            }
        }
        let exact = p.k < 5000 ? 2e-6 : 5e-6
        #expect(relativeError(c, reference) < (precision == CK_FAST ? 1e-3 : exact))
    }

    struct Convolution: Sendable {
        let images, height, width, inputs, outputs: Int
        var kernel = 3, stride = 1
        var type = CK_TYPE_F32
        var ending = Ending()

        var outHeight: Int { (height + stride - 1) / stride }
        var outWidth: Int { (width + stride - 1) / stride }
        var border: Int { kernel == 3 ? 2 : 0 }

        var shape: ck_conv_shape {
            ck_conv_shape(
                images: images, height: height, width: width, in_channels: inputs, out_channels: outputs,
                kernel: Int32(kernel), stride: Int32(stride))
        }

        /// The convolution in f64, over the input as `ck_conv` takes it.
        func reference(
            _ x: UnsafeMutablePointer<Float>, _ ldx: Int, _ weight: UnsafeMutablePointer<Float>,
            _ epilogue: ck_epilogue, _ ldy: Int
        ) -> [Double?] {
            var result = [Double?](repeating: nil, count: images * outHeight * outWidth * ldy)
            for pixel in 0..<images * outHeight * outWidth {
                let image = pixel / (outHeight * outWidth)
                let top = pixel / outWidth % outHeight * stride, left = pixel % outWidth * stride
                for output in 0..<outputs {
                    var sum = 0.0
                    for i in 0..<kernel {
                        for j in 0..<kernel {
                            let row = image * (height + border) + top + i
                            let source = (row * (width + border) + left + j) * ldx
                            for input in 0..<inputs {
                                let w = weight[((output * inputs + input) * kernel + i) * kernel + j]
                                sum += Double(x[source + input]) * Double(w)
                            }
                        }
                    }
                    result[pixel * ldy + output] = epilogue.applied(
                        to: sum, image: image, row: pixel, channel: output)
                }
            }
            return result
        }
    }

    static let convolutions =
        [
            Convolution(images: 1, height: 1, width: 1, inputs: 1, outputs: 1),
            Convolution(images: 2, height: 5, width: 13, inputs: 3, outputs: 17),
            Convolution(images: 1, height: 9, width: 30, inputs: 16, outputs: 48),
            Convolution(images: 1, height: 7, width: 10, inputs: 5, outputs: 6, stride: 2),
            Convolution(images: 2, height: 8, width: 8, inputs: 18, outputs: 33, stride: 2),
            Convolution(images: 1, height: 6, width: 11, inputs: 20, outputs: 40, kernel: 1),
            Convolution(images: 2, height: 6, width: 9, inputs: 4, outputs: 3, kernel: 1, stride: 2),
            Convolution(images: 1, height: 5, width: 6, inputs: 21, outputs: 37, type: CK_TYPE_F16),
            Convolution(images: 1, height: 5, width: 6, inputs: 21, outputs: 37, type: CK_TYPE_BF16),
            Convolution(images: 1, height: 4, width: 3, inputs: 300, outputs: 70),
        ] + Ending.all.map { Convolution(images: 2, height: 4, width: 7, inputs: 6, outputs: 35, ending: $0) }

    @Test(arguments: convolutions)
    func directConvolution(_ v: Convolution) throws {
        let arena = Arena()
        defer { arena.free() }
        let ldx = v.inputs + 1, ldy = v.outputs + 2
        let x = arena.random(v.images * (v.height + v.border) * (v.width + v.border) * ldx)
        let (weights, weight) = arena.weights(v.outputs * v.inputs * v.kernel * v.kernel, v.type)
        let pixels = v.images * v.outHeight * v.outWidth
        let epilogue = v.ending.epilogue(arena, images: v.images, rows: pixels, channels: v.outputs)
        let y = try expectSameBits(arena, count: pixels * ldy) { context, y in
            ck_conv(context, v.shape, x, ldx, weights, epilogue, y, ldy)
        }
        #expect(relativeError(y, v.reference(x, ldx, weight, epilogue, ldy)) < 2e-6)
    }

    static let winogradConvolutions =
        [
            Convolution(images: 1, height: 4, width: 4, inputs: 16, outputs: 16),
            Convolution(images: 1, height: 1, width: 1, inputs: 1, outputs: 1),
            Convolution(images: 2, height: 5, width: 7, inputs: 6, outputs: 3),
            Convolution(images: 1, height: 34, width: 33, inputs: 17, outputs: 20),
            Convolution(images: 2, height: 8, width: 8, inputs: 48, outputs: 96),
            // Many tiles: transformed filters are shared; the last chunk is shorter.
            Convolution(images: 1, height: 68, width: 75, inputs: 20, outputs: 40),
            // The same with two blocks of inputs in fast mode.
            Convolution(images: 1, height: 58, width: 60, inputs: 330, outputs: 20),
            // Many channels: filters come in blocks, and one panel is divided between three threads.
            Convolution(images: 1, height: 13, width: 11, inputs: 330, outputs: 30),
            // With three threads: two chunks of shared input, for tiles of side 4 and of side 6.
            Convolution(images: 1, height: 64, width: 66, inputs: 1, outputs: 34),
            Convolution(images: 1, height: 96, width: 102, inputs: 1, outputs: 34),
            // Filters that any number of threads shares, of more channels than the smallest chunks are for.
            Convolution(images: 1, height: 102, width: 105, inputs: 100, outputs: 34),
            Convolution(images: 1, height: 9, width: 10, inputs: 19, outputs: 35, type: CK_TYPE_F16),
            Convolution(images: 1, height: 9, width: 10, inputs: 19, outputs: 35, type: CK_TYPE_BF16),
        ]
        + Ending.all.map { Convolution(images: 2, height: 9, width: 6, inputs: 20, outputs: 40, ending: $0) }

    /// A tile's side and the precision that it is used in.
    static let winogradModes: [(side: CInt, precision: ck_precision)] = [
        (4, CK_EXACT), (6, CK_EXACT), (4, CK_FAST),
    ]

    @Test(arguments: winogradConvolutions, winogradModes)
    func winograd(_ v: Convolution, mode: (side: CInt, precision: ck_precision)) throws {
        let (side, precision) = mode
        let arena = Arena()
        defer { arena.free() }
        let ldx = v.inputs + 1, ldy = v.outputs + 2
        let x = arena.paddedMap(v.images, v.height, v.width, v.inputs, stride: ldx)
        let (weights, weight) = arena.weights(v.outputs * v.inputs * 9, v.type)
        let pixels = v.images * v.height * v.width
        let epilogue = v.ending.epilogue(arena, images: v.images, rows: pixels, channels: v.outputs)
        let y = try expectSameBits(arena, count: pixels * ldy) { context, y in
            ck_winograd(context, precision, side, v.shape, x, ldx, weights, epilogue, y, ldy)
        }
        let reference = v.reference(x, ldx, weight, epilogue, ldy)
        #expect(relativeError(y, reference) < (precision == CK_FAST ? 2e-2 : 3e-5))
        var error = 0.0, size = 0.0
        for (index, value) in reference.enumerated() {
            guard let value else { continue }
            error += (Double(y[index]) - value) * (Double(y[index]) - value)
            size += value * value
        }
        #expect((error / size).squareRoot() < (precision == CK_FAST ? 4e-3 : 1e-5))
    }

    /// An image's result does not depend on the images beside it.
    @Test(arguments: winogradModes)
    func winogradAloneAndInABatch(side: CInt, precision: ck_precision) throws {
        let arena = Arena()
        defer { arena.free() }
        let batch = Convolution(images: 3, height: 10, width: 12, inputs: 32, outputs: 64)
        let alone = Convolution(images: 1, height: 10, width: 12, inputs: 32, outputs: 64)
        let x = arena.paddedMap(3, 10, 12, 32, stride: 32)
        let (weights, _) = arena.weights(64 * 32 * 9, CK_TYPE_F32)
        let epilogue = Ending(bias: false).epilogue(arena, images: 1, rows: 1, channels: 1)
        let pixels = 10 * 12,
            together = try expectSameBits(arena, count: 3 * pixels * 64) { context, y in
                ck_winograd(context, precision, side, batch.shape, x, 32, weights, epilogue, y, 64)
            }
        let last = try expectSameBits(arena, count: pixels * 64) { context, y in
            ck_winograd(
                context, precision, side, alone.shape, x + 2 * 12 * 14 * 32, 32, weights, epilogue, y, 64)
        }
        #expect((0..<pixels * 64).allSatisfy { last[$0] == together[2 * pixels * 64 + $0] })
    }
}
