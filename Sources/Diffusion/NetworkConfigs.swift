import TensorEngine

/// Bounds of what a config.json may ask for, so that a broken one cannot ask for absurd memory.
enum ConfigLimits {
    static let width = 1...16_384
    static let layers = 1...256
    static let heads = 1...256
    static let tokens = 1...4096
    static let pixels = 8...4096
}

/// CLIP's text tower: text_encoder/config.json of a CLIPTextModelWithProjection.
package struct TextEncoderConfig: Sendable, Hashable {
    /// Of the feed-forward layers.
    package enum Activation: Sendable, Hashable { case gelu, quickGELU }

    /// Token ids are below this.
    package let vocabulary: Int
    /// Tokens of a prompt.
    package let positions: Int
    /// Width of a token's state.
    package let width: Int
    /// Width of the feed-forward layers.
    package let hidden: Int
    /// Transformer blocks.
    package let layers: Int
    /// Attention heads; they divide `width`.
    package let heads: Int
    /// Width of the projected embedding.
    package let projection: Int
    /// Of the feed-forward layers.
    package let activation: Activation
    /// Of the layer norms.
    package let epsilon: Float
    /// The token whose state is projected. 2 in old files, where the highest token of the prompt is meant.
    package private(set) var endOfText: Int

    init(file: ConfigFile) throws(ModelError) {
        vocabulary = try file.integer("vocab_size", standard: 49_408, in: 2...1_000_000)
        positions = try file.integer("max_position_embeddings", standard: 77, in: ConfigLimits.tokens)
        width = try file.integer("hidden_size", standard: 512, in: ConfigLimits.width)
        hidden = try file.integer("intermediate_size", standard: 2048, in: 1...65_536)
        layers = try file.integer("num_hidden_layers", standard: 12, in: ConfigLimits.layers)
        heads = try file.integer("num_attention_heads", standard: 8, in: ConfigLimits.heads)
        projection = try file.integer("projection_dim", standard: 512, in: ConfigLimits.width)
        activation = try file.choice(
            "hidden_act", standard: "quick_gelu", of: ["gelu": .gelu, "quick_gelu": .quickGELU])
        epsilon = Float(try file.number("layer_norm_eps", standard: 1e-5, in: 1e-12...1))
        endOfText = try file.integer("eos_token_id", standard: 49_407, in: 0...(vocabulary - 1))
        guard width.isMultiple(of: heads) else {
            throw file.fault("hidden_size", expected: "a multiple of num_attention_heads, \(heads)")
        }
    }

    /// These settings with the tokenizer's end-of-text where an old file has 2.
    func resolvingEndOfText(_ tokenizer: CLIPTokenizer) -> TextEncoderConfig {
        var resolved = self
        if endOfText == 2 { resolved.endOfText = tokenizer.endOfText }
        return resolved
    }
}

/// The diffusion prior: prior/config.json of a PriorTransformer.
package struct PriorConfig: Sendable, Hashable {
    /// Attention heads.
    package let heads: Int
    /// Width of a head.
    package let headSize: Int
    /// Transformer blocks.
    package let layers: Int
    /// Width of CLIP's embeddings.
    package let embedding: Int
    /// Tokens of the text.
    package let textTokens: Int

    init(file: ConfigFile) throws(ModelError) {
        heads = try file.integer("num_attention_heads", standard: 32, in: ConfigLimits.heads)
        headSize = try file.integer("attention_head_dim", standard: 64, in: 1...512)
        layers = try file.integer("num_layers", standard: 20, in: ConfigLimits.layers)
        embedding = try file.integer("embedding_dim", standard: 768, in: ConfigLimits.width)
        textTokens = try file.integer("num_embeddings", standard: 77, in: ConfigLimits.tokens)
        guard ConfigLimits.width.contains(heads * headSize), (heads * headSize).isMultiple(of: 2) else {
            throw file.fault(
                "num_attention_heads", expected: "such that heads × head size is even and ≤ 16384")
        }
        try file.require([
            ("additional_embeddings", .integer(4)), ("time_embed_act_fn", .string("silu")),
            ("norm_in_type", .null), ("embedding_proj_norm_type", .null),
            ("encoder_hid_proj_type", .string("linear")), ("added_emb_type", .string("prd")),
        ])
        for (key, value) in [
            ("time_embed_dim", heads * headSize), ("embedding_proj_dim", embedding),
            ("clip_embed_dim", embedding),
        ] where file[key] != nil {
            try file.require([(key, .integer(value))])
        }
    }
}

/// What feeds CLIP's embeddings to the decoder: text_proj/config.json of a UnCLIPTextProjModel.
package struct TextProjectionConfig: Sendable, Hashable {
    /// Width of CLIP's embeddings.
    package let embedding: Int
    /// Width of the decoder's time embedding.
    package let timeChannels: Int
    /// Width of the decoder's context.
    package let contextChannels: Int
    /// Context tokens made of the image embedding.
    package let extraTokens: Int

    init(file: ConfigFile) throws(ModelError) {
        embedding = try file.integer("clip_embeddings_dim", standard: 768, in: ConfigLimits.width)
        timeChannels = try file.integer("time_embed_dim", in: ConfigLimits.width)
        contextChannels = try file.integer("cross_attention_dim", in: ConfigLimits.width)
        extraTokens = try file.integer("clip_extra_context_tokens", standard: 4, in: 1...64)
    }
}
