import TensorEngine

/// A component's weights below one name, read as the layers that networks are made of.
///
///     let block = weights["down_blocks.0"]["resnets.1"]
///     let projection = try block.linear("time_emb_proj", inputs: 128, outputs: 64)
struct WeightScope {
    private let weights: ComponentWeights
    private let prefix: String

    init(_ weights: ComponentWeights, prefix: String = "") {
        self.weights = weights
        self.prefix = prefix
    }

    subscript(name: String) -> WeightScope {
        WeightScope(weights, prefix: prefix + name + ".")
    }

    /// The tensor `name` of exactly this shape.
    func floats(_ name: String, shape: [Int]) throws(ModelError) -> [Float] {
        try weights.floats(prefix + name, shape: shape)
    }

    func linear(_ name: String, inputs: Int, outputs: Int, hasBias: Bool = true) throws(ModelError) -> Linear
    {
        try linear([name], inputs: inputs, outputs: outputs, hasBias: hasBias)
    }

    /// Several layers over the same input as one: their outputs follow one another.
    func linear(_ names: [String], inputs: Int, outputs: Int, hasBias: Bool = true) throws(ModelError)
        -> Linear
    {
        var weight: [Float] = []
        var bias: [Float] = []
        for name in names {
            weight += try floats(name + ".weight", shape: [outputs, inputs])
            if hasBias { bias += try floats(name + ".bias", shape: [outputs]) }
        }
        return Linear(
            inputs: inputs, outputs: outputs * names.count, weight: weight, bias: hasBias ? bias : nil)
    }

    /// A 1×1 convolution, which is a linear layer over pixels.
    func pointwise(_ name: String, inputs: Int, outputs: Int) throws(ModelError) -> Linear {
        Linear(
            inputs: inputs, outputs: outputs,
            weight: try floats(name + ".weight", shape: [outputs, inputs, 1, 1]),
            bias: try floats(name + ".bias", shape: [outputs]))
    }

    /// A 3×3 convolution for maps of `size` × `size`. `hasBias` false leaves the bias to the caller.
    func convolution(
        _ name: String, inputs: Int, outputs: Int, size: Int, hasBias: Bool = true
    ) throws(ModelError) -> Convolution {
        let weight = try floats(name + ".weight", shape: [outputs, inputs, 3, 3])
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
