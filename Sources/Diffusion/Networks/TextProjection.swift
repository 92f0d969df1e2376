package import TensorEngine

/// What the decoder is told about prompt and image embedding.
package struct DecoderContext {
    /// [images][extra tokens + text tokens][context channels].
    package let states: Tensor
    /// Added to the time embedding, a row an image.
    package let additive: Tensor
    /// Which tokens are seen, for each image.
    package let masks: [[Bool]]
}

/// Projects CLIP's embeddings to what the decoder reads: extra context tokens and an addition to the time
/// embedding (diffusers' UnCLIPTextProjModel).
package struct TextProjection {
    private let shape: TextProjectionConfig
    /// The image embedding that stands for "no image".
    private let unconditional: [Float]
    private let embeddingProj: Linear
    private let imageProj: Linear
    private let extraTokensProj: Linear
    private let encoderHiddenStatesProj: Linear
    private let textNorm: LayerNorm

    init(_ weights: WeightScope, shape: TextProjectionConfig) throws(ModelError) {
        self.shape = shape
        unconditional = try weights.floats(
            "learned_classifier_free_guidance_embeddings", shape: [shape.embedding])
        embeddingProj = try weights.linear(
            "embedding_proj", inputs: shape.embedding, outputs: shape.timeChannels)
        imageProj = try weights.linear(
            "clip_image_embeddings_project_to_time_embeddings", inputs: shape.embedding,
            outputs: shape.timeChannels)
        extraTokensProj = try weights.linear(
            "clip_extra_context_tokens_proj", inputs: shape.embedding,
            outputs: shape.extraTokens * shape.contextChannels)
        encoderHiddenStatesProj = try weights.linear(
            "encoder_hidden_states_proj", inputs: shape.embedding, outputs: shape.contextChannels)
        textNorm = try weights.layerNorm(
            "text_encoder_hidden_states_norm", channels: shape.contextChannels, epsilon: 1e-5)
    }

    /// The context tokens made of an image embedding, a row each. The layer's outputs are channel-major
    /// (channel·tokens + token).
    private func extraTokens(_ image: Tensor, _ context: ComputeContext) -> Tensor {
        let outputs = extraTokensProj(image, context).values()
        let (tokens, channels) = (shape.extraTokens, shape.contextChannels)
        let values = (0..<tokens).flatMap { token in
            (0..<channels).map { channel in outputs[channel * tokens + token] }
        }
        return context.matrix(rows: tokens, channels: channels, values: values)
    }

    /// - Parameter texts: the empty prompt's and the prompt's. The first half of the result goes without the
    ///   image.
    package func callAsFunction(
        imageEmbedding: [Float], texts: [TextStates], _ context: ComputeContext
    ) -> DecoderContext {
        precondition(
            texts.count == 2 && texts[0].mask.count == texts[1].mask.count, "two texts of one length")
        let tokens = shape.extraTokens + texts[0].mask.count
        let states = context.matrix(images: texts.count, rows: tokens, channels: shape.contextChannels)
        let additive = context.matrix(rows: texts.count, channels: shape.timeChannels)
        for (index, embedding) in [unconditional, imageEmbedding].enumerated() {
            let image = context.matrix(rows: 1, channels: shape.embedding, values: embedding)
            let projectedText = embeddingProj(texts[index].embedding, context)
            _ = imageProj(image, context, residual: projectedText, into: additive.rows(index..<index + 1))
            let rows = states.image(index)
            context.copy(extraTokens(image, context), into: rows.rows(0..<shape.extraTokens))
            _ = textNorm(
                encoderHiddenStatesProj(texts[index].states, context), context,
                into: rows.rows(shape.extraTokens..<tokens))
        }
        let seen = Array(repeating: true, count: shape.extraTokens)
        return DecoderContext(states: states, additive: additive, masks: texts.map { seen + $0.mask })
    }
}
