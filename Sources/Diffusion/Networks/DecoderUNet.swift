package import TensorEngine

/// The decoder: a U-Net that reads text by attention (diffusers' UNet2DConditionModel as unCLIP configures
/// it).
package struct DecoderUNet {
    private let shape: UNetConfig
    private let network: UNet

    init(_ weights: WeightScope, shape: UNetConfig) throws(ModelError) {
        self.shape = shape
        network = try UNet(weights, shape: shape)
    }

    /// Computes what stays the same at every step.
    package func condition(_ decoderContext: DecoderContext, _ context: ComputeContext) -> UNetConditioning {
        var masks: [Int: Tensor] = [:]
        for level in shape.channels.indices {
            let pixels = shape.size(level: level) * shape.size(level: level)
            let rows = decoderContext.masks.flatMap { mask in
                mask.map { $0 ? 0 : AttentionMask.hidden } + Array(repeating: 0, count: pixels)
            }
            let images = decoderContext.masks.count
            masks[pixels] = context.matrix(
                images: images, rows: 1, channels: rows.count / images, values: rows)
        }
        return UNetConditioning(
            keyValues: network.attentions.map { $0.addedKeyValues(decoderContext.states, context) },
            masks: masks,
            embedding: decoderContext.additive)
    }

    /// - Parameter x: padded map [images][size][size][3], an image for each of the conditioning.
    /// - Returns: plain map [images][size][size][6]: noise, then variance.
    package func callAsFunction(
        _ x: Tensor, timestep: Int, _ conditioning: UNetConditioning, _ context: ComputeContext
    ) -> Tensor {
        network(x, timestep: timestep, conditioning: conditioning, context)
    }
}
