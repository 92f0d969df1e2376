package import TensorEngine

/// What the text tower makes of a prompt.
package struct TextStates {
    /// [1][tokens][width], after the final norm.
    package let states: Tensor
    /// [1][projected width]: the projected state of the end-of-text token.
    package let embedding: Tensor
    /// Which tokens are the prompt's, from start-of-text to end-of-text.
    package let mask: [Bool]
}

/// CLIP's causal text transformer with its projection (Radford et al. 2021, arXiv 2103.00020; transformers'
/// CLIPTextModelWithProjection).
package struct CLIPTextTower {
    private let shape: TextEncoderConfig
    /// [vocabulary][width].
    private let tokenEmbedding: Weights
    private let positionEmbedding: [Float]
    private let layers: [TransformerBlock]
    private let finalLayerNorm: LayerNorm
    private let textProjection: Linear

    init(_ weights: WeightScope, shape: TextEncoderConfig) throws(ModelError) {
        self.shape = shape
        let text = weights["text_model"]
        tokenEmbedding = try text.tensor(
            "embeddings.token_embedding.weight", shape: [shape.vocabulary, shape.width])
        positionEmbedding = try text.floats(
            "embeddings.position_embedding.weight", shape: [shape.positions, shape.width])
        var layers: [TransformerBlock] = []
        for layer in 0..<shape.layers {
            layers.append(
                try TransformerBlock(
                    text["encoder.layers.\(layer)"], names: .clip, width: shape.width, heads: shape.heads,
                    hidden: shape.hidden, activation: shape.activation == .gelu ? .gelu : .quickGELU,
                    epsilon: shape.epsilon))
        }
        self.layers = layers
        finalLayerNorm = try text.layerNorm("final_layer_norm", channels: shape.width, epsilon: shape.epsilon)
        textProjection = try weights.linear(
            "text_projection", inputs: shape.width, outputs: shape.projection, hasBias: false)
    }

    /// - Parameters:
    ///   - ids: as many token ids as the tower has positions, each within the vocabulary.
    ///   - mask: which of them are the prompt's.
    package func callAsFunction(ids: [Int], mask: [Bool], _ context: ComputeContext) -> TextStates {
        precondition(
            ids.count == shape.positions && mask.count == ids.count
                && ids.allSatisfy { (0..<shape.vocabulary).contains($0) },
            "the tokenizer fills every position")
        let width = shape.width
        var embedded: [Float] = []
        embedded.reserveCapacity(ids.count * width)
        for (position, id) in ids.enumerated() {
            let token = tokenEmbedding.floats(id * width..<(id + 1) * width)
            embedded += zip(token, positionEmbedding[(position * width)...]).map { $0 + $1 }
        }
        var hidden = context.matrix(rows: ids.count, channels: width, values: embedded)
        let causal = context.matrix(
            rows: ids.count, channels: ids.count, values: AttentionMask.causal(ids.count))
        for layer in layers { hidden = layer(hidden, context, mask: causal).output }
        let states = finalLayerNorm(hidden, context)
        let end = endOfText(ids)
        let embedding = textProjection(states.rows(end..<end + 1), context)
        return TextStates(states: states, embedding: embedding, mask: mask)
    }

    /// Where the state is that stands for the whole text: at the first end-of-text token, or, in old
    /// checkpoints that say 2 for it, at the first of the highest tokens.
    private func endOfText(_ ids: [Int]) -> Int {
        let token = shape.endOfText == 2 ? ids.max() : shape.endOfText
        return ids.firstIndex { $0 == token } ?? 0
    }
}

/// Values added to attention scores: 0 where a token is seen, −10000 (whose exp is 0 in f32) where it is not.
enum AttentionMask {
    static let hidden: Float = -10000

    /// [tokens][tokens]: each token sees itself and those before it.
    static func causal(_ tokens: Int) -> [Float] {
        (0..<tokens).flatMap { query in (0..<tokens).map { $0 <= query ? 0 : hidden } }
    }
}
