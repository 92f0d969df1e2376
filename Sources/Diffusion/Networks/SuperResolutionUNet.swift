package import TensorEngine

/// A super-resolution network: a U-Net of residual blocks only that sees the enlarged picture beside the
/// noisy one (diffusers' UNet2DModel without attention).
package struct SuperResolutionUNet {
    private let network: UNet

    init(_ weights: WeightScope, shape: UNetConfig) throws(ModelError) {
        network = try UNet(weights, shape: shape)
    }

    /// - Parameter x: padded map [1][size][size][noisy 3, enlarged 3].
    /// - Returns: plain map [1][size][size][3], the noise.
    package func callAsFunction(_ x: Tensor, timestep: Int, _ context: ComputeContext) -> Tensor {
        network(x, timestep: timestep, conditioning: nil, context)
    }
}
