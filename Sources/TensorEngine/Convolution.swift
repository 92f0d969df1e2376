import CKernels

/// How a 3×3 convolution is computed. It follows from the layer's shape alone, never from the machine,
/// because the two ways round differently and a picture's bytes must not depend on where it was made.
package enum ConvolutionRoute: Sendable, Hashable {
    case direct
    /// Winograd F(4×4,3×3): 4 times fewer multiplications (Lavin & Gray 2015, arXiv 1509.09308).
    case winograd

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
    package static func forShape(height: Int, width: Int, inputs: Int, outputs: Int) -> ConvolutionRoute {
        height >= 8 && width >= 8 && inputs >= 16 && outputs >= 16 ? .winograd : .direct
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
        let y = target ?? context.map(images: x.images, height: x.height, width: x.width, channels: outputs)
        precondition(
            y.channels == outputs && y.images == x.images && y.height == x.height && y.width == x.width
                && !y.isPadded, "a convolution's output")
        let shape = ck_conv_shape(
            images: x.images, height: x.height, width: x.width, in_channels: inputs, out_channels: outputs,
            kernel: 3, stride: 1)
        let operands = EpilogueOperands(bias: bias, imageBias: imageBias, residual: residual)
        let pays =
            route == .winograd
            && FastRule.paysInWinograd(
                height: x.height, width: x.width, inputs: inputs, outputs: outputs)
        let precision = FastRule.precision(context, pays: pays)
        context.measured(operation(x, precision)) {
            x.withPointer { from in
                y.withPointer { to in
                    weight.withWeights { weight in
                        operands.withEpilogue { epilogue in
                            switch route {
                            case .direct:
                                ck_conv(
                                    context.kernels, shape, from, x.pixelStride, weight, epilogue, to,
                                    y.pixelStride)
                            case .winograd:
                                ck_winograd(
                                    context.kernels, precision, shape, from, x.pixelStride, weight,
                                    epilogue, to, y.pixelStride)
                            }
                        }
                    }
                }
            }
        }
        return y
    }

    private func operation(_ x: Tensor, _ precision: ck_precision) -> Profiler.Operation {
        let pixels = Double(x.rows)
        let kind = precision == CK_FAST ? "\(route) fast" : "\(route)"
        return .init(
            name: "conv3×3 \(kind) \(x.images)×\(x.height)×\(x.width) \(inputs)→\(outputs)",
            flop: 18 * pixels * Double(inputs) * Double(outputs),
            bytes: 4 * (pixels * Double(inputs + outputs) + 9 * Double(inputs) * Double(outputs)))
    }
}
