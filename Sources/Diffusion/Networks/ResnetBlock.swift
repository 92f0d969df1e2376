import TensorEngine

/// A residual block: norm, SiLU, [resampling], convolution; the time embedding; norm, SiLU, convolution; plus
/// the input, through a 1×1 convolution where the channels change (diffusers' ResnetBlock2D).
struct ResnetBlock {
    enum Resampling {
        case none
        /// 2×2 mean.
        case down
        /// Nearest neighbour, twice the size.
        case up
    }

    let outputs: Int
    private let resampling: Resampling
    private let isScaleShift: Bool
    private let norm1: GroupNorm
    private let conv1: Convolution
    private let timeProjection: Linear
    private let norm2: GroupNorm
    private let conv2: Convolution
    private let shortcut: Linear?

    /// - Parameter size: height and width of the output.
    init(
        _ weights: WeightScope, shape: UNetConfig, inputs: Int, outputs: Int, size: Int,
        resampling: Resampling = .none
    ) throws(ModelError) {
        self.outputs = outputs
        self.resampling = resampling
        isScaleShift = shape.isScaleShift
        norm1 = try weights.groupNorm("norm1", channels: inputs, groups: shape.groups, epsilon: shape.epsilon)
        norm2 = try weights.groupNorm(
            "norm2", channels: outputs, groups: shape.groups, epsilon: shape.epsilon)
        conv1 = try weights.convolution(
            "conv1", inputs: inputs, outputs: outputs, size: size, hasBias: shape.isScaleShift)
        conv2 = try weights.convolution("conv2", inputs: outputs, outputs: outputs, size: size)
        if shape.isScaleShift {
            timeProjection = try weights.linear(
                "time_emb_proj", inputs: shape.timeChannels, outputs: 2 * outputs)
        } else {
            // The embedding is added to conv1's output: together with conv1's bias it becomes one bias an
            // image.
            let timeBias = try weights.floats("time_emb_proj.bias", shape: [outputs])
            let convolutionBias = try weights.floats("conv1.bias", shape: [outputs])
            timeProjection = Linear(
                inputs: shape.timeChannels, outputs: outputs,
                weight: try weights.tensor("time_emb_proj.weight", shape: [outputs, shape.timeChannels]),
                bias: zip(timeBias, convolutionBias).map { $0 + $1 })
        }
        shortcut =
            inputs == outputs ? nil : try weights.pointwise("conv_shortcut", inputs: inputs, outputs: outputs)
    }

    /// - Parameters:
    ///   - x: plain map.
    ///   - time: SiLU of the time embedding, a row an image.
    ///   - target: where the output goes; nil makes a new map.
    func callAsFunction(_ x: Tensor, time: Tensor, _ context: ComputeContext, into target: Tensor? = nil)
        -> Tensor
    {
        end(begin(x, time: time, context), x, context, into: target)
    }

    /// What the block has computed before its output is needed.
    struct Beginning {
        /// conv1's output: plain map of the output's size.
        fileprivate let hidden: Tensor
        fileprivate let modulation: Tensor
    }

    /// The first half of the block: norm, resampling, convolution.
    func begin(_ x: Tensor, time: Tensor, _ context: ComputeContext) -> Beginning {
        let modulation = timeProjection(time, context)
        let imageBias = isScaleShift ? nil : modulation
        let hidden: Tensor
        switch resampling {
        case .none: hidden = conv1(x, normalizedBy: norm1, context, imageBias: imageBias)
        case .down:
            let smaller = context.averagePool2(norm1(x, context, activation: .silu), isPadded: true)
            hidden = conv1(smaller, context, imageBias: imageBias)
        case .up:
            let larger = context.nearestUp2(norm1(x, context, activation: .silu), isPadded: true)
            hidden = conv1(larger, context, imageBias: imageBias)
        }
        return Beginning(hidden: hidden, modulation: modulation)
    }

    /// The second half, after `begin(x, …)`.
    func end(_ beginning: Beginning, _ x: Tensor, _ context: ComputeContext, into target: Tensor?) -> Tensor {
        let skipped = skipped(x, context, into: target)
        return conv2(
            beginning.hidden, normalizedBy: norm2, context,
            scaleShift: isScaleShift ? beginning.modulation : nil, residual: skipped ?? x,
            into: skipped ?? target)
    }

    /// The input as it is added to the output, written where the output goes; nil where it is the input
    /// itself.
    private func skipped(_ x: Tensor, _ context: ComputeContext, into target: Tensor?) -> Tensor? {
        let place = shortcut == nil ? target : nil
        let resampled: Tensor? =
            switch resampling {
            case .none: nil
            case .down: context.averagePool2(x, into: place)
            case .up: context.nearestUp2(x, into: place)
            }
        return shortcut.map { $0(resampled ?? x, context, into: target) } ?? resampled
    }
}
