import TensorEngine

/// Attention of a map's pixels over the text's tokens and over themselves, plus the map (diffusers' Attention
/// with AttnAddedKVProcessor).
struct AddedKVAttention {
    private let channels: Int
    private let heads: Int
    private let groupNorm: GroupNorm
    private let projections: Linear
    private let addedProjections: Linear
    private let output: Linear
    /// Which of the conditioning's keys and values are this layer's.
    private let index: Int

    init(
        _ weights: WeightScope, shape: UNetConfig, attention: UNetConfig.Attention, channels: Int, index: Int
    ) throws(ModelError) {
        self.channels = channels
        self.index = index
        heads = channels / attention.headSize
        groupNorm = try weights.groupNorm(
            "group_norm", channels: channels, groups: shape.groups, epsilon: 1e-5)
        projections = try weights.linear(["to_q", "to_k", "to_v"], inputs: channels, outputs: channels)
        addedProjections = try weights.linear(
            ["add_k_proj", "add_v_proj"], inputs: attention.contextChannels, outputs: channels)
        output = try weights.linear("to_out.0", inputs: channels, outputs: channels)
    }

    /// Keys and values of the text's tokens [images][tokens][context channels], the same at every step.
    func addedKeyValues(_ states: Tensor, _ context: ComputeContext) -> KeyValues {
        let projected = addedProjections(states, context)
        return KeyValues(
            keys: projected.channels(0..<channels), values: projected.channels(channels..<2 * channels))
    }

    func callAsFunction(
        _ x: Tensor, _ conditioning: UNetConditioning, _ context: ComputeContext, into target: Tensor? = nil
    ) -> Tensor {
        // [images][pixels][queries, keys, values]
        let projected = projections(groupNorm(x, context), context)
        let own = KeyValues(
            keys: projected.channels(channels..<2 * channels),
            values: projected.channels(2 * channels..<3 * channels))
        let attended = context.attention(
            projected.channels(0..<channels), [conditioning.keyValues[index], own], heads: heads,
            mask: conditioning.mask(pixels: x.height * x.width))
        return output(attended, context, residual: x, into: target)
    }
}

/// What a conditioned U-Net's attention needs from the text, computed once before the first step.
package struct UNetConditioning {
    /// For each attention layer in the network's order.
    let keyValues: [KeyValues]
    /// [images] × 1 row × (text tokens + pixels), by the number of pixels.
    let masks: [Int: Tensor]
    /// Added to the time embedding, a row an image.
    let embedding: Tensor

    func mask(pixels: Int) -> Tensor? { masks[pixels] }
}
