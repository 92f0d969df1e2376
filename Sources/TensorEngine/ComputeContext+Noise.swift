extension ComputeContext {
    /// Overwrites `values` with the next normals of torch's generator, in torch's order (NCHW for a picture).
    package func draw(_ generator: inout TorchGenerator, into values: inout [Float]) {
        values.withUnsafeMutableBufferPointer { generator.fill($0, context: kernels) }
    }
}
