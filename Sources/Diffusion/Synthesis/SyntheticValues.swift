import TensorEngine

/// Random values of a tensor, scaled such that activations keep the order of 1 through every layer: products
/// by their number of inputs, the last layer of each residual branch by half of that.
struct SyntheticValues {
    private let mean: Float
    private let deviation: Float
    private let seed: UInt64

    /// Values that component, tensor and seed decide together.
    init(component: String, tensor: String, shape: [Int], seed: UInt64) {
        (mean, deviation) = Self.distribution(tensor, shape)
        // FNV-1a, so that a tensor's values depend on no other.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in "\(seed)/\(component)/\(tensor)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        self.seed = hash ^ (hash >> 32)
    }

    func values(count: Int, _ context: ComputeContext) -> [Float] {
        var generator = TorchGenerator(seed: seed)
        var values = [Float](repeating: 0, count: count)
        context.draw(&generator, into: &values)
        for index in values.indices { values[index] = mean + deviation * values[index] }
        return values
    }

    private static func distribution(_ tensor: String, _ shape: [Int]) -> (mean: Float, deviation: Float) {
        let parts = tensor.split(separator: ".").map(String.init)
        let layer = parts.dropLast().last ?? ""
        switch (parts.last ?? "", shape.count) {
        case ("clip_std", _): return (0.5, 0.05)
        case ("clip_mean", _): return (0, 0.1)
        case ("learned_classifier_free_guidance_embeddings", _): return (0, 0.5)
        case ("bias", _): return (0, 0.02)
        case ("weight", 1): return (1, 0.1)
        case ("weight", _) where layer.hasSuffix("embedding"): return (0, 0.02)
        case ("weight", _):
            let inputs = shape.dropFirst().reduce(1, *)
            return (0, gain(parts) / Float(inputs).squareRoot())
        default: return (0, 0.02)
        }
    }

    private static func gain(_ parts: [String]) -> Float {
        let name = parts.dropLast().joined(separator: ".")
        let branchEnds = [
            "conv2", "to_out.0", "out_proj", "ff.net.2", "mlp.fc2", "time_emb_proj", "conv_out",
        ]
        return branchEnds.contains { name.hasSuffix($0) } ? 0.5 : 1
    }
}
