package import TensorEngine

/// The diffusion prior: predicts a CLIP image embedding from the text's (Ramesh et al. 2022, arXiv
/// 2204.06125; diffusers' PriorTransformer).
///
/// Its sequence is [text states, text embedding, time, noisy image embedding, learned token] and attention is
/// causal, so all before the time token is the same at every step: `condition` runs it once and keeps its
/// keys and values.
package struct PriorTransformer {
    /// What does not change between steps.
    package struct Conditioning {
        /// Of each layer: keys and values of the text's tokens.
        let before: [KeyValues]
        /// [images][3 queries][all tokens].
        let mask: Tensor
    }

    /// Tokens that depend on the step: time, noisy embedding, learned query.
    private static let stepTokens = 3

    private let shape: PriorConfig
    private let timeEmbedding: TimeEmbedding
    private let projIn: Linear
    private let embeddingProj: Linear
    private let encoderHiddenStatesProj: Linear
    /// [tokens][width].
    private let positions: [Float]
    private let prdEmbedding: [Float]
    private let blocks: [TransformerBlock]
    private let normOut: LayerNorm
    private let projToClipEmbeddings: Linear
    private let clipMean: [Float]
    private let clipStd: [Float]

    init(_ weights: WeightScope, shape: PriorConfig) throws(ModelError) {
        self.shape = shape
        let width = shape.width
        timeEmbedding = try TimeEmbedding(
            weights["time_embedding"], sinusoids: width, hidden: width, outputs: width)
        projIn = try weights.linear("proj_in", inputs: shape.embedding, outputs: width)
        embeddingProj = try weights.linear("embedding_proj", inputs: shape.embedding, outputs: width)
        encoderHiddenStatesProj = try weights.linear(
            "encoder_hidden_states_proj", inputs: shape.embedding, outputs: width)
        positions = try weights.floats("positional_embedding", shape: [1, shape.textTokens + 4, width])
        prdEmbedding = try weights.floats("prd_embedding", shape: [1, 1, width])
        var blocks: [TransformerBlock] = []
        for layer in 0..<shape.layers {
            blocks.append(
                try TransformerBlock(
                    weights["transformer_blocks.\(layer)"], names: .basic, width: width, heads: shape.heads,
                    hidden: 4 * width, activation: .gelu, epsilon: 1e-5))
        }
        self.blocks = blocks
        normOut = try weights.layerNorm("norm_out", channels: width, epsilon: 1e-5)
        projToClipEmbeddings = try weights.linear(
            "proj_to_clip_embeddings", inputs: width, outputs: shape.embedding)
        clipMean = try weights.floats("clip_mean", shape: [1, shape.embedding])
        clipStd = try weights.floats("clip_std", shape: [1, shape.embedding])
    }

    /// Runs the text's tokens. One image a text.
    package func condition(_ texts: [TextStates], _ context: ComputeContext) -> Conditioning {
        let text = shape.textTokens
        let fixed = text + 1
        let all = fixed + Self.stepTokens
        var hidden = context.matrix(images: texts.count, rows: fixed, channels: shape.width)
        let positions = context.matrix(rows: all, channels: shape.width, values: positions)
        var fixedMask: [Float] = []
        var stepMask: [Float] = []
        for (index, states) in texts.enumerated() {
            let rows = hidden.image(index)
            _ = encoderHiddenStatesProj(
                states.states, context, residual: positions.rows(0..<text), into: rows.rows(0..<text))
            _ = embeddingProj(
                states.embedding, context, residual: positions.rows(text..<fixed),
                into: rows.rows(text..<fixed))
            // Padding and the future are hidden by −10000 each, as in training.
            let padding: [Float] = (0..<all).map { $0 < text && !states.mask[$0] ? AttentionMask.hidden : 0 }
            for query in 0..<all {
                let row = (0..<(query < fixed ? fixed : all)).map { key in
                    padding[key] + (key <= query ? 0 : AttentionMask.hidden)
                }
                if query < fixed { fixedMask += row } else { stepMask += row }
            }
        }
        let mask = context.matrix(images: texts.count, rows: fixed, channels: fixed, values: fixedMask)
        var before: [KeyValues] = []
        for block in blocks {
            let (output, keyValues) = block(hidden, context, mask: mask)
            hidden = output
            before.append(keyValues)
        }
        return Conditioning(
            before: before,
            mask: context.matrix(images: texts.count, rows: Self.stepTokens, channels: all, values: stepMask))
    }

    /// The prediction of x₀ for each text of the conditioning, a row each.
    ///
    /// - Parameter x: the noisy image embedding, one row for all.
    package func callAsFunction(
        _ x: Tensor, timestep: Int, _ conditioning: Conditioning, _ context: ComputeContext
    ) -> Tensor {
        let width = shape.width
        let images = conditioning.mask.images
        let positions = context.matrix(
            rows: Self.stepTokens, channels: width, values: Array(positions.suffix(Self.stepTokens * width)))
        let tokens = context.matrix(rows: Self.stepTokens, channels: width)
        let prd = context.matrix(rows: 1, channels: width, values: prdEmbedding)
        _ = context.add(timeEmbedding(timestep, context), positions.rows(0..<1), into: tokens.rows(0..<1))
        _ = projIn(x, context, residual: positions.rows(1..<2), into: tokens.rows(1..<2))
        _ = context.add(prd, positions.rows(2..<3), into: tokens.rows(2..<3))
        var hidden = context.matrix(images: images, rows: Self.stepTokens, channels: width)
        for image in 0..<images { context.copy(tokens, into: hidden.image(image)) }
        for (block, before) in zip(blocks, conditioning.before) {
            hidden = block(hidden, context, before: before, mask: conditioning.mask).output
        }
        let last = context.matrix(rows: images, channels: width)
        for image in 0..<images {
            context.copy(hidden.image(image).rows(2..<3), into: last.rows(image..<image + 1))
        }
        return projToClipEmbeddings(normOut(last, context), context)
    }

    /// Scales a sampled embedding from the space of training to CLIP's: z·std + mean.
    package func postProcess(_ embedding: [Float]) -> [Float] {
        embedding.indices.map { embedding[$0] * clipStd[$0] + clipMean[$0] }
    }
}

extension PriorConfig {
    /// Channels of a token inside the transformer.
    var width: Int { heads * headSize }
}
