import CKernels

/// How a 3×3 convolution is computed. It follows from the layer's shape alone, never from the machine,
/// because the ways round differently and a picture's bytes must not depend on where it was made.
package enum ConvolutionRoute: Sendable, Hashable {
    case direct
    /// Winograd F(4×4,3×3): 4 times fewer multiplications (Lavin & Gray 2015, arXiv 1509.09308).
    case winograd4
    /// Winograd F(6×6,3×3): 5 times fewer. Fast mode, whose integers it would blur, takes F(4×4) instead.
    case winograd6

    /// Winograd where the map is at least 8×8 and both channel counts reach 16, one vector: smaller layers
    /// lose more in the transforms than they win in the products. Milliseconds on 2 busy AVX-512 cores:
    ///
    /// | map and channels | Winograd | direct |
    /// |---|---|---|
    /// | 256²×320→320 | 508 | 1745 |
    /// | 1024²×64→64 | 424 | 1036 |
    /// | 1024²×32→32 | 188 | 332 |
    /// | 1024²×48→16 | 176 | 324 |
    /// | 1024²×16→16 | 84 | 104 |
    ///
    /// Tiles of side 6 where they save a tenth of the products, which on maps of 32² and less their overhang
    /// takes back, and where channels enough pay for the larger transforms (two cores, each line in one run):
    ///
    /// | map and channels | tiles of 4 | of 6 |
    /// |---|---|---|
    /// | 256²×640→320 | 401 | 319 |
    /// | 256²×320→320 | 169 | 156 |
    /// | 256²×128→128 | 31.5 | 28.8 |
    /// | 128²×960→640 | 307 | 249 |
    /// | 128²×640→640 | 177 | 163 |
    /// | 64²×960→960 | 102 | 93 |
    /// | 2×64²×320→320 | 25.4 | 25.8 |
    /// | 1024²×64→64 | 121 | 109 |
    /// | 1024²×96→48 | 149 | 130 |
    /// | 256²×96→32 | 7.2 | 6.5 |
    /// | 128²×64→64 | 1.9 | 2.0 |
    /// | 256²×32→32 | 2.4 | 2.4 |
    package static func forShape(height: Int, width: Int, inputs: Int, outputs: Int) -> ConvolutionRoute {
        guard height >= 8, width >= 8, inputs >= 16, outputs >= 16 else { return .direct }
        let products4 = 36 * ((height + 3) / 4) * ((width + 3) / 4)
        let products6 = 64 * ((height + 5) / 6) * ((width + 5) / 6)
        return 10 * products6 < 9 * products4 && inputs >= 64 && outputs >= 32 ? .winograd6 : .winograd4
    }

    /// Pixels of a side of Winograd's tiles.
    fileprivate func side(_ precision: ck_precision) -> CInt {
        self == .winograd6 && precision == CK_EXACT ? 6 : 4
    }
}

/// A 3×3 convolution of stride 1 with one pixel of zero padding.
package struct Convolution {
    package let inputs: Int
    package let outputs: Int
    package let route: ConvolutionRoute
    private let weight: Weights
    private let bias: Parameter?

    /// - Parameters:
    ///   - weight: [outputs][inputs][3][3], as PyTorch keeps it.
    ///   - bias: [outputs].
    ///   - route: from `ConvolutionRoute.forShape` of the map that the layer will see.
    package init(inputs: Int, outputs: Int, weight: Weights, bias: [Float]?, route: ConvolutionRoute) {
        precondition(
            weight.count == inputs * outputs * 9 && bias?.count ?? outputs == outputs, "a convolution's shape"
        )
        self.inputs = inputs
        self.outputs = outputs
        self.route = route
        self.weight = weight
        self.bias = bias.map { Parameter($0) }
    }

    /// - Parameters:
    ///   - x: padded map of `inputs` channels.
    ///   - imageBias: [images][outputs], instead of the layer's own bias.
    ///   - residual: plain map that is added; may be `target`.
    ///   - target: plain map where the result goes; nil makes a new one.
    package func callAsFunction(
        _ x: Tensor, _ context: ComputeContext, imageBias: Tensor? = nil, residual: Tensor? = nil,
        into target: Tensor? = nil
    ) -> Tensor {
        precondition(
            x.channels == inputs && x.isPadded, "a convolution reads a padded map of its input channels")
        let y = output(of: x, target, context)
        let operands = EpilogueOperands(bias: bias, imageBias: imageBias, residual: residual)
        let precision = precision(of: x, context)
        context.measured(operation(x, precision)) { compute(x, precision, operands, into: y, context) }
        return y
    }

    /// The same of a normalised map, through SiLU: `self(norm(x, …))`, byte for byte. A very large map is
    /// normalised in bands as the convolution goes on, so that what it reads is still in the caches, and the
    /// normalised map never takes memory. Each band transforms the filters anew, for which maps of 256² are
    /// too small: there Karlo's 320→320 took 240 ms in bands and 135 whole.
    ///
    /// - Parameters:
    ///   - x: plain map of `inputs` channels.
    ///   - scaleShift: as the norm takes it.
    package func callAsFunction(
        _ x: Tensor, normalizedBy norm: GroupNorm, _ context: ComputeContext, scaleShift: Tensor? = nil,
        imageBias: Tensor? = nil, residual: Tensor? = nil, into target: Tensor? = nil
    ) -> Tensor {
        guard let lines = Self.bandLines(of: x) else {
            let normalized = norm(x, context, activation: .silu, scaleShift: scaleShift, isPadded: true)
            return self(normalized, context, imageBias: imageBias, residual: residual, into: target)
        }
        let affine = norm.affine(x, context, scaleShift: scaleShift)
        let y = output(of: x, target, context)
        let precision = precision(of: x, context)
        context.measured(operation(x, precision, suffix: ", normalised")) {
            for image in 0..<x.images {
                for first in stride(from: 0, to: x.height, by: lines) {
                    let band = first..<min(first + lines, x.height)
                    let operands = EpilogueOperands(
                        bias: bias, imageBias: imageBias?.rows(image..<image + 1),
                        residual: residual?.band(image: image, lines: band))
                    compute(
                        norm.normalize(x, image: image, lines: band, by: affine, activation: .silu, context),
                        precision, operands, into: y.band(image: image, lines: band), context)
                }
            }
        }
        return y
    }

    /// Lines of a band: whole tiles of Winograd's, of either side, so that the bands' sums are the map's, and
    /// enough pixels that transforming the filters anew for each costs little. Nil where a map had better
    /// stay whole.
    package static func bandLines(of x: Tensor) -> Int? {
        let pixels = x.height * x.width
        guard pixels >= 16 * bandPixels else { return nil }
        return max(12, bandPixels / x.width / 12 * 12)
    }

    private static let bandPixels = 16_384

    private func output(of x: Tensor, _ target: Tensor?, _ context: ComputeContext) -> Tensor {
        let y = target ?? context.map(images: x.images, height: x.height, width: x.width, channels: outputs)
        precondition(
            y.channels == outputs && y.images == x.images && y.height == x.height && y.width == x.width
                && !y.isPadded, "a convolution's output")
        return y
    }

    private func precision(of x: Tensor, _ context: ComputeContext) -> ck_precision {
        let pays =
            route != .direct
            && FastRule.paysInWinograd(
                height: x.height, width: x.width, inputs: inputs, outputs: outputs)
        return FastRule.precision(context, pays: pays)
    }

    private func compute(
        _ x: Tensor, _ precision: ck_precision, _ operands: EpilogueOperands, into y: Tensor,
        _ context: ComputeContext
    ) {
        let shape = ck_conv_shape(
            images: x.images, height: x.height, width: x.width, in_channels: inputs, out_channels: outputs,
            kernel: 3, stride: 1)
        x.withPointer { from in
            y.withPointer { to in
                weight.withWeights { weight in
                    operands.withEpilogue { epilogue in
                        switch route {
                        case .direct:
                            ck_conv(
                                context.kernels, shape, from, x.pixelStride, weight, epilogue, to,
                                y.pixelStride)
                        case .winograd4, .winograd6:
                            ck_winograd(
                                context.kernels, precision, route.side(precision), shape, from,
                                x.pixelStride, weight, epilogue, to, y.pixelStride)
                        }
                    }
                }
            }
        }
    }

    private func operation(
        _ x: Tensor, _ precision: ck_precision, suffix: String = ""
    ) -> Profiler.Operation {
        let pixels = Double(x.rows)
        let kind = precision == CK_FAST ? "winograd\(route.side(precision)) fast" : "\(route)"
        return .init(
            name: "conv3×3 \(kind) \(x.images)×\(x.height)×\(x.width) \(inputs)→\(outputs)\(suffix)",
            flop: 18 * pixels * Double(inputs) * Double(outputs),
            bytes: 4 * (pixels * Double(inputs + outputs) + 9 * Double(inputs) * Double(outputs)))
    }
}
