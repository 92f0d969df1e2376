import CKernels

/// Group normalisation (Wu & He 2018, arXiv 1803.08494), with what follows it in a residual block fused.
package struct GroupNorm {
    package let channels: Int
    package let groups: Int
    package let epsilon: Float
    private let weight: Parameter
    private let bias: Parameter

    /// `weight` and `bias`: [channels]; `groups` divides `channels`.
    package init(channels: Int, groups: Int, epsilon: Float, weight: [Float], bias: [Float]) {
        precondition(
            groups > 0 && channels % groups == 0 && weight.count == channels && bias.count == channels,
            "a group norm's shape")
        self.channels = channels
        self.groups = groups
        self.epsilon = epsilon
        self.weight = Parameter(weight)
        self.bias = Parameter(bias)
    }

    /// activation((norm(x)·weight + bias)·(1 + scale) + shift).
    ///
    /// - Parameters:
    ///   - scaleShift: [images][2·channels], scale first; nil for neither.
    ///   - isPadded: whether the result is a padded map, ready for a convolution.
    package func callAsFunction(
        _ x: Tensor, _ context: ComputeContext, activation: Activation = .none, scaleShift: Tensor? = nil,
        isPadded: Bool = false
    ) -> Tensor {
        precondition(x.channels == channels && !x.isPadded, "a group norm's input")
        precondition(
            scaleShift.map {
                $0.channels == 2 * channels && $0.rows == x.images && $0.pixelStride == 2 * channels
            }
                ?? true, "a group norm's scale and shift")
        let y = context.map(
            images: x.images, height: x.height, width: x.width, channels: channels, isPadded: isPadded)
        context.measured(.traffic("group norm", x, passes: 3)) {
            y.withPointer { to in
                withOperands(x, scaleShift) { from, weight, bias, modulation in
                    ck_group_norm(
                        context.kernels, shape(of: x), from, x.pixelStride, weight, bias, modulation,
                        activation.code, isPadded, to, y.pixelStride)
                }
            }
        }
        return y
    }

    /// What the norm multiplies and adds, for `normalize`: [images · 2][channels in whole vectors], the line
    /// of factors first.
    func affine(_ x: Tensor, _ context: ComputeContext, scaleShift: Tensor?) -> Tensor {
        let lines = 2 * x.images
        let affine = context.matrix(rows: lines, channels: ck_affine_floats(shape(of: x)) / lines)
        context.measured(.traffic("group norm's sums", x, passes: 1)) {
            affine.withPointer { to in
                withOperands(x, scaleShift) { from, weight, bias, modulation in
                    ck_group_norm_affine(
                        context.kernels, shape(of: x), from, x.pixelStride, weight, bias, modulation, to)
                }
            }
        }
        return affine
    }

    /// Some lines of an image, normalised, as a padded map whose border above and below is the image's.
    func normalize(
        _ x: Tensor, image: Int, lines: Range<Int>, by affine: Tensor, activation: Activation,
        _ context: ComputeContext
    ) -> Tensor {
        let y = context.map(
            images: 1, height: lines.count, width: x.width, channels: channels, isPadded: true)
        let one = x.image(image)
        one.withPointer { from in
            affine.rows(2 * image..<2 * image + 2).withPointer { affine in
                y.withPointer { to in
                    ck_normalise_band(
                        context.kernels, shape(of: one), from, x.pixelStride, affine, activation.code,
                        lines.lowerBound, lines.count, to, y.pixelStride)
                }
            }
        }
        return y
    }

    private func shape(of x: Tensor) -> ck_group_norm_shape {
        ck_group_norm_shape(
            images: x.images, height: x.height, width: x.width, channels: channels, groups: groups,
            epsilon: epsilon)
    }

    private func withOperands(
        _ x: Tensor, _ scaleShift: Tensor?,
        _ body: (
            UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>?
        ) -> Void
    ) {
        x.withPointer { from in
            weight.withPointer { weight in
                bias.withPointer { bias in
                    withExtendedLifetime(scaleShift?.storage) {
                        let modulation = scaleShift.map { UnsafePointer($0.storage.pointer + $0.offset) }
                        body(from, weight, bias, modulation)
                    }
                }
            }
        }
    }
}

/// Layer normalisation over the channels of each row (Ba et al. 2016, arXiv 1607.06450).
package struct LayerNorm {
    package let channels: Int
    package let epsilon: Float
    private let weight: Parameter
    private let bias: Parameter

    /// `weight` and `bias`: [channels].
    package init(channels: Int, epsilon: Float, weight: [Float], bias: [Float]) {
        precondition(weight.count == channels && bias.count == channels, "a layer norm's shape")
        self.channels = channels
        self.epsilon = epsilon
        self.weight = Parameter(weight)
        self.bias = Parameter(bias)
    }

    /// `target` may be `x`; nil makes a new tensor.
    package func callAsFunction(_ x: Tensor, _ context: ComputeContext, into target: Tensor? = nil) -> Tensor
    {
        precondition(x.channels == channels && !x.isPadded, "a layer norm's input")
        let y = target ?? context.map(images: x.images, height: x.height, width: x.width, channels: channels)
        context.measured(.traffic("layer norm", x, passes: 2)) {
            x.withPointer { from in
                y.withPointer { to in
                    weight.withPointer { weight in
                        bias.withPointer { bias in
                            ck_layer_norm(
                                context.kernels, x.rows, channels, epsilon, from, x.pixelStride, weight, bias,
                                to,
                                y.pixelStride)
                        }
                    }
                }
            }
        }
        return y
    }
}

extension Profiler.Operation {
    /// An operation that only moves data: `passes` times the map.
    static func traffic(_ kind: String, _ x: Tensor, passes: Double) -> Self {
        .init(
            name: "\(kind) \(x.images)×\(x.height)×\(x.width)×\(x.channels)", flop: 0,
            bytes: 4 * passes * Double(x.rows) * Double(x.channels))
    }
}
