import TensorEngine

/// The embedding of a diffusion step: sinusoids (Vaswani et al. 2017, arXiv 1706.03762; cosines first), then
/// two linear layers with SiLU between.
struct TimeEmbedding {
    private let linear1: Linear
    private let linear2: Linear
    private let frequencies: [Float]

    /// - Parameter sinusoids: how many numbers describe a step before the linear layers; even.
    init(_ weights: WeightScope, sinusoids: Int, hidden: Int, outputs: Int) throws(ModelError) {
        linear1 = try weights.linear("linear_1", inputs: sinusoids, outputs: hidden)
        linear2 = try weights.linear("linear_2", inputs: hidden, outputs: outputs)
        let half = sinusoids / 2
        frequencies = (0..<half).map { index in
            // Rounded to f32 at each step, as diffusers computes it: at t = 999 the difference would show.
            let exponent = Float(-Scalar.log(10000.0)) * Float(index) / Float(half)
            return Float(Scalar.exp(Double(exponent)))
        }
    }

    /// A matrix of one row.
    func callAsFunction(_ timestep: Int, _ context: ComputeContext) -> Tensor {
        let angles = frequencies.map { Double(Float(timestep) * $0) }
        let values = angles.map { Float(Scalar.cos($0)) } + angles.map { Float(Scalar.sin($0)) }
        let sinusoids = context.matrix(rows: 1, channels: values.count, values: values)
        return linear2(linear1(sinusoids, context, activation: .silu), context)
    }
}
