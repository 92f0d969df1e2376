import TensorEngine

/// A pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x)).
struct TransformerBlock {
    /// What a checkpoint calls the block's parts.
    struct Names {
        let attentionNorm: String
        /// Queries, keys, values.
        let projections: [String]
        let attentionOutput: String
        let feedForwardNorm: String
        let feedForward: [String]

        /// Of transformers' CLIP towers.
        static let clip = Names(
            attentionNorm: "layer_norm1",
            projections: ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
            attentionOutput: "self_attn.out_proj", feedForwardNorm: "layer_norm2",
            feedForward: ["mlp.fc1", "mlp.fc2"])
        /// Of diffusers' BasicTransformerBlock.
        static let basic = Names(
            attentionNorm: "norm1", projections: ["attn1.to_q", "attn1.to_k", "attn1.to_v"],
            attentionOutput: "attn1.to_out.0", feedForwardNorm: "norm3",
            feedForward: ["ff.net.0.proj", "ff.net.2"])
    }

    private let width: Int
    private let heads: Int
    private let activation: Activation
    private let attentionNorm: LayerNorm
    private let projections: Linear
    private let attentionOutput: Linear
    private let feedForwardNorm: LayerNorm
    private let expand: Linear
    private let contract: Linear

    init(
        _ weights: WeightScope, names: Names, width: Int, heads: Int, hidden: Int, activation: Activation,
        epsilon: Float
    ) throws(ModelError) {
        self.width = width
        self.heads = heads
        self.activation = activation
        attentionNorm = try weights.layerNorm(names.attentionNorm, channels: width, epsilon: epsilon)
        projections = try weights.linear(names.projections, inputs: width, outputs: width)
        attentionOutput = try weights.linear(names.attentionOutput, inputs: width, outputs: width)
        feedForwardNorm = try weights.layerNorm(names.feedForwardNorm, channels: width, epsilon: epsilon)
        expand = try weights.linear(names.feedForward[0], inputs: width, outputs: hidden)
        contract = try weights.linear(names.feedForward[1], inputs: hidden, outputs: width)
    }

    /// - Parameters:
    ///   - x: [images][tokens][width].
    ///   - before: keys and values of tokens that come before x's and see none of them.
    ///   - mask: added to the scores of x's tokens over `before`'s and x's.
    /// - Returns: the block's output and the keys and values of x's tokens.
    func callAsFunction(
        _ x: Tensor, _ context: ComputeContext, before: KeyValues? = nil, mask: Tensor
    ) -> (output: Tensor, keyValues: KeyValues) {
        // [images][tokens][queries, keys, values]
        let projected = projections(attentionNorm(x, context), context)
        let own = KeyValues(
            keys: projected.channels(width..<2 * width), values: projected.channels(2 * width..<3 * width))
        let attended = context.attention(
            projected.channels(0..<width), (before.map { [$0] } ?? []) + [own], heads: heads, mask: mask)
        let y = attentionOutput(attended, context, residual: x)
        let hidden = expand(feedForwardNorm(y, context), context, activation: activation)
        return (contract(hidden, context, residual: y, into: y), own)
    }
}
