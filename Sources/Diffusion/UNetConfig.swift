import TensorEngine

/// A U-Net of residual blocks: config.json of a decoder (UNet2DConditionModel) or of a super-resolution
/// network (UNet2DModel), as unCLIP configures them.
package struct UNetConfig: Sendable, Hashable {
    /// Attention over text and pixels.
    package struct Attention: Sendable, Hashable {
        /// Width of a head.
        package let headSize: Int
        /// Channels of a context token.
        package let contextChannels: Int
        /// Whether each level has it, the full map's first.
        package let levels: [Bool]
    }

    /// Channels of the input: 3, or 6 with the picture to enlarge.
    package let inputs: Int
    /// Channels of the output: 3, or 6 with variances.
    package let outputs: Int
    /// Channels of each level, the full map's first.
    package let channels: [Int]
    /// Residual blocks of a level of the down path; the up path has one more.
    package let layers: Int
    /// Groups of the group norms.
    package let groups: Int
    /// Of the group norms.
    package let epsilon: Float
    /// Whether the time embedding scales and shifts the second norm, or is added before it.
    package let isScaleShift: Bool
    /// Height and width of the picture that it was made for.
    package let size: Int
    /// The decoder's attention; nil in a super-resolution network.
    package let attention: Attention?

    /// Reads a decoder's config.json.
    init(decoder file: ConfigFile) throws(ModelError) {
        try file.require(Self.fixed + Self.fixedOfDecoder)
        // These two are not diffusers' defaults, so they must be there.
        for (key, expected) in [
            ("class_embed_type", "identity"), ("mid_block_type", "UNetMidBlock2DSimpleCrossAttn"),
        ] where file.values[key] != .string(expected) {
            throw file.fault(key, expected: "\"\(expected)\"")
        }
        if file["mid_block_only_cross_attention"] != nil {
            try file.require([("mid_block_only_cross_attention", .bool(false))])
        }
        let levels: [Bool] = try file.choices(
            "down_block_types", of: ["ResnetDownsampleBlock2D": false, "SimpleCrossAttnDownBlock2D": true])
        let upLevels: [Bool] = try file.choices(
            "up_block_types", of: ["ResnetUpsampleBlock2D": false, "SimpleCrossAttnUpBlock2D": true])
        guard upLevels == levels.reversed() else {
            throw file.fault("up_block_types", expected: "the mirror image of down_block_types")
        }
        let attention = Attention(
            headSize: try file.integer("attention_head_dim", standard: 8, in: 1...512),
            contextChannels: try file.integer("cross_attention_dim", standard: 1280, in: ConfigLimits.width),
            levels: levels)
        try self.init(file: file, inputs: 3, outputs: 3...6, layers: 2, attention: attention, levels: levels)
        guard outputs == 3 || outputs == 6 else { throw file.fault("out_channels", expected: "3 or 6") }
        for (channels, hasAttention) in zip(channels, levels)
        where (hasAttention || channels == self.channels.last) && !channels.isMultiple(of: attention.headSize)
        {
            throw file.fault(
                "attention_head_dim",
                expected: "a divisor of the \(channels) channels of a level with attention")
        }
    }

    /// Reads a super-resolution network's config.json.
    init(superResolution file: ConfigFile) throws(ModelError) {
        try file.require(
            Self.fixed + [("class_embed_type", .null), ("mid_block_type", .string("UNetMidBlock2D"))])
        guard file.values["add_attention"] == .bool(false) else {
            throw file.fault("add_attention", expected: "false")
        }
        let levels: [Bool] = try file.choices("down_block_types", of: ["ResnetDownsampleBlock2D": false])
        let upLevels: [Bool] = try file.choices("up_block_types", of: ["ResnetUpsampleBlock2D": false])
        guard upLevels.count == levels.count else {
            throw file.fault("up_block_types", expected: "the mirror image of down_block_types")
        }
        try self.init(file: file, inputs: 6, outputs: 3...3, layers: 2, attention: nil, levels: levels)
    }

    private init(
        file: ConfigFile, inputs: Int, outputs: ClosedRange<Int>, layers: Int, attention: Attention?,
        levels: [Bool]
    ) throws(ModelError) {
        self.inputs = try file.integer("in_channels", in: inputs...inputs)
        self.outputs = try file.integer("out_channels", in: outputs)
        self.layers = try file.integer("layers_per_block", standard: layers, in: 1...16)
        self.attention = attention
        channels = try file.integers("block_out_channels", in: 1...8192, count: 1...8)
        groups = try file.integer("norm_num_groups", standard: 32, in: 1...512)
        epsilon = Float(try file.number("norm_eps", standard: 1e-5, in: 1e-12...1))
        isScaleShift = try file.choice(
            "resnet_time_scale_shift", standard: "default", of: ["default": false, "scale_shift": true])
        size = try file.integer("sample_size", in: ConfigLimits.pixels)
        guard channels.count == levels.count else {
            throw file.fault("block_out_channels", expected: "as many numbers as down_block_types has blocks")
        }
        guard channels.allSatisfy({ $0.isMultiple(of: groups) && $0.isMultiple(of: 2) }) else {
            throw file.fault("block_out_channels", expected: "even multiples of norm_num_groups, \(groups)")
        }
        guard size.isMultiple(of: 1 << (channels.count - 1)) else {
            throw file.fault("sample_size", expected: "a multiple of \(1 << (channels.count - 1))")
        }
    }

    /// Settings of both networks that have one value here.
    private static let fixed: [(key: String, value: JSONValue)] = [
        ("center_input_sample", .bool(false)), ("time_embedding_type", .string("positional")),
        ("time_embedding_dim", .null), ("freq_shift", .integer(0)), ("flip_sin_to_cos", .bool(true)),
        ("mid_block_scale_factor", .integer(1)), ("act_fn", .string("silu")), ("num_class_embeds", .null),
    ]

    private static let fixedOfDecoder: [(key: String, value: JSONValue)] = [
        ("only_cross_attention", .bool(false)), ("num_attention_heads", .null), ("encoder_hid_dim", .null),
        ("encoder_hid_dim_type", .null), ("addition_embed_type", .null),
        ("resnet_skip_time_act", .bool(false)),
        ("resnet_out_scale_factor", .integer(1)), ("time_embedding_act_fn", .null),
        ("timestep_post_act", .null),
        ("time_cond_proj_dim", .null), ("conv_in_kernel", .integer(3)), ("conv_out_kernel", .integer(3)),
        ("class_embeddings_concat", .bool(false)), ("cross_attention_norm", .null),
    ]
}
