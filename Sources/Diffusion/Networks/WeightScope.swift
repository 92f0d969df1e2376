import TensorEngine

/// Where networks find their tensors.
protocol WeightSource {
    /// The tensor `name`, which must have exactly this shape.
    func weights(_ name: String, shape: [Int]) throws(ModelError) -> Weights
}

extension ComponentWeights: WeightSource {}

/// A component's weights below one name, read as the layers that networks are made of.
///
///     let block = weights["down_blocks.0"]["resnets.1"]
///     let projection = try block.linear("time_emb_proj", inputs: 128, outputs: 64)
struct WeightScope {
    private let source: any WeightSource
    private let prefix: String

    init(_ source: any WeightSource, prefix: String = "") {
        self.source = source
        self.prefix = prefix
    }

    subscript(name: String) -> WeightScope {
        WeightScope(source, prefix: prefix + name + ".")
    }

    /// The tensor `name` of exactly this shape, where it lies.
    func tensor(_ name: String, shape: [Int]) throws(ModelError) -> Weights {
        try source.weights(prefix + name, shape: shape)
    }

    /// A copy of the small tensor `name` of exactly this shape.
    func floats(_ name: String, shape: [Int]) throws(ModelError) -> [Float] {
        try tensor(name, shape: shape).floats()
    }

    func linear(_ name: String, inputs: Int, outputs: Int, hasBias: Bool = true) throws(ModelError) -> Linear
    {
        try linear([name], inputs: inputs, outputs: outputs, hasBias: hasBias)
    }

    /// Several layers over the same input as one: their outputs follow one another.
    func linear(_ names: [String], inputs: Int, outputs: Int, hasBias: Bool = true) throws(ModelError)
        -> Linear
    {
        var parts: [Linear.Part] = []
        for name in names {
            parts.append(
                Linear.Part(
                    outputs: outputs, weight: try tensor(name + ".weight", shape: [outputs, inputs]),
                    bias: hasBias ? try floats(name + ".bias", shape: [outputs]) : nil))
        }
        return Linear(inputs: inputs, parts: parts)
    }

    /// A 1×1 convolution, which is a linear layer over pixels.
    func pointwise(_ name: String, inputs: Int, outputs: Int) throws(ModelError) -> Linear {
        Linear(
            inputs: inputs, outputs: outputs,
            weight: try tensor(name + ".weight", shape: [outputs, inputs, 1, 1]),
            bias: try floats(name + ".bias", shape: [outputs]))
    }

    /// A 3×3 convolution for maps of `size` × `size`. `hasBias` false leaves the bias to the caller.
    func convolution(
        _ name: String, inputs: Int, outputs: Int, size: Int, hasBias: Bool = true
    ) throws(ModelError) -> Convolution {
        let weight = try tensor(name + ".weight", shape: [outputs, inputs, 3, 3])
        let bias = hasBias ? try floats(name + ".bias", shape: [outputs]) : nil
        let route = ConvolutionRoute.forShape(height: size, width: size, inputs: inputs, outputs: outputs)
        return Convolution(inputs: inputs, outputs: outputs, weight: weight, bias: bias, route: route)
    }

    func groupNorm(_ name: String, channels: Int, groups: Int, epsilon: Float) throws(ModelError) -> GroupNorm
    {
        GroupNorm(
            channels: channels, groups: groups, epsilon: epsilon,
            weight: try floats(name + ".weight", shape: [channels]),
            bias: try floats(name + ".bias", shape: [channels]))
    }

    func layerNorm(_ name: String, channels: Int, epsilon: Float) throws(ModelError) -> LayerNorm {
        LayerNorm(
            channels: channels, epsilon: epsilon, weight: try floats(name + ".weight", shape: [channels]),
            bias: try floats(name + ".bias", shape: [channels]))
    }
}
