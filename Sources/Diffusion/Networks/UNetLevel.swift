import TensorEngine

/// The blocks of one level of a U-Net, or its middle (diffusers' ResnetDownsampleBlock2D,
/// SimpleCrossAttnDownBlock2D, UNetMidBlock2D(SimpleCrossAttn), ResnetUpsampleBlock2D and
/// SimpleCrossAttnUpBlock2D).
struct UNetLevel {
    let resnets: [ResnetBlock]
    /// One after each resnet of an attending level, one after the first of the middle, or none.
    let attentions: [AddedKVAttention]
    /// Halves or doubles the map at the level's end.
    let sampler: ResnetBlock?

    /// Resnet `index` and the attention after it.
    func run(
        _ index: Int, _ x: Tensor, _ time: Tensor, _ conditioning: UNetConditioning?,
        _ context: ComputeContext,
        into target: Tensor?
    ) -> Tensor {
        guard attentions.indices.contains(index), let conditioning else {
            return resnets[index](x, time: time, context, into: target)
        }
        let hidden = resnets[index](x, time: time, context)
        return attentions[index](hidden, conditioning, context, into: target)
    }
}

/// Channels of the two halves of what a residual block of the up path reads.
struct UNetJunction {
    /// From the block before it.
    let hidden: Int
    let skip: Int
}

/// Reads a U-Net's levels in the network's order, numbering the attentions and noting the skips.
struct UNetBuilder {
    let shape: UNetConfig
    /// Widths of (the up path's input, the skip) of each residual block of the up path, in the up path's
    /// order.
    private(set) var junctions: [UNetJunction] = []
    private var attentionCount = 0

    init(shape: UNetConfig) { self.shape = shape }

    mutating func down(_ weights: WeightScope) throws(ModelError) -> [UNetLevel] {
        var levels: [UNetLevel] = []
        var inputs = shape.channels[0]
        for (level, channels) in shape.channels.enumerated() {
            let block = weights["down_blocks.\(level)"]
            let size = shape.size(level: level)
            var resnets: [ResnetBlock] = []
            var attentions: [AddedKVAttention] = []
            for layer in 0..<shape.layers {
                resnets.append(
                    try ResnetBlock(
                        block["resnets.\(layer)"], shape: shape, inputs: layer == 0 ? inputs : channels,
                        outputs: channels, size: size))
                if shape.hasAttention(level: level) {
                    attentions.append(try attention(block["attentions.\(layer)"], channels: channels))
                }
            }
            let sampler =
                level + 1 < shape.channels.count
                ? try ResnetBlock(
                    block["downsamplers.0"], shape: shape, inputs: channels, outputs: channels,
                    size: shape.size(level: level + 1), resampling: .down) : nil
            levels.append(UNetLevel(resnets: resnets, attentions: attentions, sampler: sampler))
            inputs = channels
        }
        return levels
    }

    mutating func middle(_ weights: WeightScope) throws(ModelError) -> UNetLevel {
        let block = weights["mid_block"]
        let level = shape.channels.count - 1
        let channels = shape.channels[level]
        let size = shape.size(level: level)
        var resnets: [ResnetBlock] = []
        for layer in 0..<2 {
            resnets.append(
                try ResnetBlock(
                    block["resnets.\(layer)"], shape: shape, inputs: channels, outputs: channels, size: size))
        }
        let attentions =
            shape.attention == nil ? [] : [try attention(block["attentions.0"], channels: channels)]
        return UNetLevel(resnets: resnets, attentions: attentions, sampler: nil)
    }

    mutating func up(_ weights: WeightScope) throws(ModelError) -> [UNetLevel] {
        var levels: [UNetLevel] = []
        let reversed = Array(shape.channels.reversed())
        var previous = reversed[0]
        for (index, channels) in reversed.enumerated() {
            let block = weights["up_blocks.\(index)"]
            let level = reversed.count - 1 - index
            let size = shape.size(level: level)
            let lastSkip = reversed[min(index + 1, reversed.count - 1)]
            var resnets: [ResnetBlock] = []
            var attentions: [AddedKVAttention] = []
            for layer in 0...shape.layers {
                let hidden = layer == 0 ? previous : channels
                let skip = layer == shape.layers ? lastSkip : channels
                junctions.append(UNetJunction(hidden: hidden, skip: skip))
                resnets.append(
                    try ResnetBlock(
                        block["resnets.\(layer)"], shape: shape, inputs: hidden + skip, outputs: channels,
                        size: size))
                if shape.hasAttention(level: level) {
                    attentions.append(try attention(block["attentions.\(layer)"], channels: channels))
                }
            }
            let sampler =
                level > 0
                ? try ResnetBlock(
                    block["upsamplers.0"], shape: shape, inputs: channels, outputs: channels,
                    size: shape.size(level: level - 1), resampling: .up) : nil
            levels.append(UNetLevel(resnets: resnets, attentions: attentions, sampler: sampler))
            previous = channels
        }
        return levels
    }

    private mutating func attention(
        _ weights: WeightScope, channels: Int
    ) throws(ModelError) -> AddedKVAttention {
        guard let attention = shape.attention else {
            fatalError("a level attends only where the shape says so")
        }
        defer { attentionCount += 1 }
        return try AddedKVAttention(
            weights, shape: shape, attention: attention, channels: channels, index: attentionCount)
    }
}
