import TensorEngine

/// The sizes of the networks, as their config.json state them.
extension SyntheticModel {
    /// Sizes of the text tower.
    struct TextSizes {
        let vocabulary, positions, width, layers, heads: Int
    }

    /// Whether the stages up to 256 pixels have Karlo's size.
    private var isFullKarlo: Bool { architecture == .karlo && scale == .full }

    /// Height and width of the decoder's picture.
    var baseSize: Int { architecture == .karlo && scale == .tiny ? 16 : 64 }

    /// Karlo's is the text half of CLIP ViT-L/14.
    var text: TextSizes {
        isFullKarlo
            ? TextSizes(vocabulary: 49_408, positions: 77, width: 768, layers: 12, heads: 12)
            : TextSizes(vocabulary: 514, positions: 32, width: 32, layers: 2, heads: 2)
    }

    /// The config.json of every network: path → settings.
    var networkSettings: [String: JSONValue] {
        let isFull = isFullKarlo
        let size = baseSize
        let channels = isFull ? [320, 640, 960, 1280] : [16, 32, 48, 64]
        let layers = isFull ? 3 : 1
        var settings = [
            "text_encoder/config.json": textEncoder,
            "text_proj/config.json": [
                "_class_name": "UnCLIPTextProjModel", "clip_embeddings_dim": .integer(text.width),
                "clip_extra_context_tokens": 4, "cross_attention_dim": isFull ? 1536 : 48,
                "time_embed_dim": .integer(4 * channels[0]),
            ],
            "prior/config.json": [
                "_class_name": "PriorTransformer", "num_attention_heads": isFull ? 32 : 2,
                "attention_head_dim": isFull ? 64 : 16, "num_layers": isFull ? 20 : 2,
                "embedding_dim": .integer(text.width), "num_embeddings": .integer(text.positions),
                "additional_embeddings": 4,
            ],
            "decoder/config.json": decoder(size: size, channels: channels, layers: layers),
            "super_res_first/config.json": upscaler(size: 4 * size, channels: channels, layers: layers),
        ]
        switch architecture {
        case .karlo:
            settings["super_res_last/config.json"] = settings["super_res_first/config.json"]
        case .dalle2:
            let first = scale == .full ? 192 : 16
            settings["super_res_1024/config.json"] = upscaler(
                size: 1024, channels: [1, 1, 2, 2, 4, 4].map { $0 * first }, layers: scale == .full ? 2 : 1,
                isScaleShift: true)
        }
        return settings
    }

    private var textEncoder: JSONValue {
        [
            "architectures": ["CLIPTextModelWithProjection"], "model_type": "clip_text_model",
            "vocab_size": .integer(text.vocabulary), "max_position_embeddings": .integer(text.positions),
            "hidden_size": .integer(text.width), "intermediate_size": .integer(4 * text.width),
            "num_hidden_layers": .integer(text.layers), "num_attention_heads": .integer(text.heads),
            "projection_dim": .integer(text.width), "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5,
            "bos_token_id": .integer(text.vocabulary - 2), "eos_token_id": .integer(text.vocabulary - 1),
            "pad_token_id": 0,
        ]
    }

    /// Attention in all levels but the first.
    private func decoder(size: Int, channels: [Int], layers: Int) -> JSONValue {
        let attending = channels.count - 1
        let down = Array(repeating: JSONValue("SimpleCrossAttnDownBlock2D"), count: attending)
        let up = Array(repeating: JSONValue("SimpleCrossAttnUpBlock2D"), count: attending)
        return [
            "_class_name": "UNet2DConditionModel", "sample_size": .integer(size), "in_channels": 3,
            "out_channels": 6, "block_out_channels": .array(channels.map(JSONValue.integer)),
            "layers_per_block": .integer(layers),
            "down_block_types": .array(["ResnetDownsampleBlock2D"] + down),
            "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
            "up_block_types": .array(up + ["ResnetUpsampleBlock2D"]),
            "cross_attention_dim": isFullKarlo ? 1536 : 48, "attention_head_dim": isFullKarlo ? 64 : 16,
            "class_embed_type": "identity", "resnet_time_scale_shift": "scale_shift",
            "norm_num_groups": groups(channels),
        ]
    }

    private func upscaler(
        size: Int, channels: [Int], layers: Int, isScaleShift: Bool = false
    ) -> JSONValue {
        func blocks(_ name: String) -> JSONValue {
            .array(Array(repeating: .string(name), count: channels.count))
        }
        return [
            "_class_name": "UNet2DModel", "sample_size": .integer(size), "in_channels": 6, "out_channels": 3,
            "block_out_channels": .array(channels.map(JSONValue.integer)),
            "layers_per_block": .integer(layers), "down_block_types": blocks("ResnetDownsampleBlock2D"),
            "up_block_types": blocks("ResnetUpsampleBlock2D"), "downsample_type": "resnet",
            "upsample_type": "resnet", "add_attention": false,
            "resnet_time_scale_shift": isScaleShift ? "scale_shift" : "default",
            "norm_num_groups": groups(channels), "norm_eps": 1e-5,
        ]
    }

    private func groups(_ channels: [Int]) -> JSONValue {
        channels.allSatisfy { $0.isMultiple(of: 32) } ? 32 : 8
    }
}
