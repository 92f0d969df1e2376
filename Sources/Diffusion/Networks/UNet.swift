import TensorEngine

/// The U-Net that the decoder and the super-resolution networks share: resnets that keep, halve and double
/// the map, with attention in some levels, and skips from the down path to the up path.
///
/// A skip is not copied: its map is made wide enough for the up path's input beside it, the down path
/// writes the right channels and the up path the left ones. But where the unused half of such a map would be
/// hundreds of megabytes through the whole run, the skip waits alone and is copied when its turn comes.
struct UNet {
    private let shape: UNetConfig
    private let timeEmbedding: TimeEmbedding
    private let convIn: Convolution
    private let down: [UNetLevel]
    private let middle: UNetLevel
    private let up: [UNetLevel]
    private let convNormOut: GroupNorm
    private let convOut: Convolution
    /// In the order in which the down path makes the skips.
    private let junctions: [UNetJunction]

    init(_ weights: WeightScope, shape: UNetConfig) throws(ModelError) {
        self.shape = shape
        let first = shape.channels[0]
        timeEmbedding = try TimeEmbedding(
            weights["time_embedding"], sinusoids: first, hidden: shape.timeChannels,
            outputs: shape.timeChannels)
        convIn = try weights.convolution("conv_in", inputs: shape.inputs, outputs: first, size: shape.size)
        var builder = UNetBuilder(shape: shape)
        down = try builder.down(weights)
        middle = try builder.middle(weights)
        up = try builder.up(weights)
        junctions = builder.junctions.reversed()
        convNormOut = try weights.groupNorm(
            "conv_norm_out", channels: first, groups: shape.groups, epsilon: shape.epsilon)
        convOut = try weights.convolution("conv_out", inputs: first, outputs: shape.outputs, size: shape.size)
    }

    /// Attention layers in the order of their indices.
    var attentions: [AddedKVAttention] {
        (down + [middle] + up).flatMap { $0.attentions }
    }

    /// - Parameters:
    ///   - x: padded map [images][size][size][inputs].
    ///   - conditioning: nil for a network without attention.
    /// - Returns: plain map [images][size][size][outputs].
    func callAsFunction(
        _ x: Tensor, timestep: Int, conditioning: UNetConditioning?, _ context: ComputeContext
    ) -> Tensor {
        let time = embedded(timestep, conditioning, context)
        var skips = Skips(junctions: junctions, images: x.images, context: context)
        var hidden = convIn(x, context, into: skips.next(height: x.height, width: x.width))
        for level in down {
            for index in level.resnets.indices {
                let target = skips.next(height: hidden.height, width: hidden.width)
                hidden = level.run(index, hidden, time, conditioning, context, into: target)
            }
            if let sampler = level.sampler {
                let target = skips.next(height: hidden.height / 2, width: hidden.width / 2)
                hidden = sampler(hidden, time: time, context, into: target)
            }
        }
        for index in middle.resnets.indices {
            let isLast = index == middle.resnets.count - 1
            hidden = middle.run(
                index, hidden, time, conditioning, context, into: isLast ? skips.left() : nil)
        }
        for level in up {
            for index in level.resnets.indices {
                let joined = skips.pop()
                let isLast = index == level.resnets.count - 1
                hidden = level.run(
                    index, joined, time, conditioning, context,
                    into: isLast && level.sampler != nil ? nil : skips.left())
            }
            if let sampler = level.sampler {
                // Only then, for here the widest maps of all meet.
                let beginning = sampler.begin(hidden, time: time, context)
                hidden = sampler.end(beginning, hidden, context, into: skips.left())
            }
        }
        return convOut(hidden, normalizedBy: convNormOut, context)
    }

    /// SiLU of the time embedding (with the conditioning's), a row an image.
    private func embedded(
        _ timestep: Int, _ conditioning: UNetConditioning?, _ context: ComputeContext
    ) -> Tensor {
        let time = timeEmbedding(timestep, context)
        guard let embedding = conditioning?.embedding else { return context.activate(.silu, time) }
        let sum = context.matrix(rows: embedding.rows, channels: time.channels)
        for row in 0..<embedding.rows {
            _ = context.add(time, embedding.rows(row..<row + 1), into: sum.rows(row..<row + 1))
        }
        return context.activate(.silu, sum)
    }
}

/// The skips of one run, made by the down path and taken by the up path in reverse.
private struct Skips {
    let junctions: [UNetJunction]
    let images: Int
    let context: ComputeContext
    /// Concatenations, of the large ones the skip alone, until the up path comes to them.
    private var joined: [Tensor] = []

    init(junctions: [UNetJunction], images: Int, context: ComputeContext) {
        self.junctions = junctions
        self.images = images
        self.context = context
        joined.reserveCapacity(junctions.count)
    }

    /// Where the down path writes its next skip: the right channels of a new concatenation.
    mutating func next(height: Int, width: Int) -> Tensor {
        let (hidden, skip) = (junctions[joined.count].hidden, junctions[joined.count].skip)
        let isLarge = images * height * width * (hidden + skip) >= context.largeTensor
        let left = isLarge ? 0 : hidden
        let map = context.map(images: images, height: height, width: width, channels: left + skip)
        joined.append(map)
        return map.channels(left..<left + skip)
    }

    /// Where the input of the next residual block of the up path goes: the left channels of the last
    /// concatenation.
    mutating func left() -> Tensor? {
        guard let last = joined.popLast() else { return nil }
        let (hidden, skip) = (junctions[joined.count].hidden, junctions[joined.count].skip)
        var map = last
        if last.channels == skip {
            map = context.map(
                images: images, height: last.height, width: last.width, channels: hidden + skip)
            context.copy(last, into: map.channels(hidden..<hidden + skip))
        }
        joined.append(map)
        return map.channels(0..<hidden)
    }

    mutating func pop() -> Tensor { joined.removeLast() }
}
