import CKernels

/// y = activation(x·Wᵀ + b) over rows, or over the pixels of a map (a 1×1 convolution).
package struct Linear {
    package let inputs: Int
    package let outputs: Int
    private let weight: Parameter
    private let bias: Parameter?

    /// - Parameters:
    ///   - weight: [outputs][inputs], as PyTorch keeps it.
    ///   - bias: [outputs].
    package init(inputs: Int, outputs: Int, weight: [Float], bias: [Float]?) {
        precondition(
            weight.count == inputs * outputs && bias?.count ?? outputs == outputs, "a linear layer's shape")
        self.inputs = inputs
        self.outputs = outputs
        self.weight = Parameter(weight)
        self.bias = bias.map { Parameter($0) }
    }

    /// - Parameters:
    ///   - x: plain map or matrix of `inputs` channels.
    ///   - residual: added after the activation; may be `target`.
    ///   - target: where the result goes; nil makes a new tensor.
    /// - Returns: a map of x's size with `outputs` channels.
    package func callAsFunction(
        _ x: Tensor, _ context: ComputeContext, activation: Activation = .none, residual: Tensor? = nil,
        into target: Tensor? = nil
    ) -> Tensor {
        precondition(x.channels == inputs && !x.isPadded, "a linear layer's input")
        let y = target ?? context.map(images: x.images, height: x.height, width: x.width, channels: outputs)
        precondition(y.channels == outputs && y.rows == x.rows && !y.isPadded, "a linear layer's output")
        let operands = EpilogueOperands(bias: bias, residual: residual, activation: activation)
        context.measured(.product("linear", m: x.rows, n: outputs, k: inputs)) {
            x.withPointer { from in
                y.withPointer { to in
                    weight.withWeights { weight in
                        operands.withEpilogue { epilogue in
                            ck_gemm(
                                context.kernels, x.images, x.rows, outputs, inputs, from, x.pixelStride,
                                weight,
                                epilogue, to, y.pixelStride)
                        }
                    }
                }
            }
        }
        return y
    }
}

extension Profiler.Operation {
    /// A product of an m×k by a k×n matrix, each number moved once.
    static func product(_ kind: String, m: Int, n: Int, k: Int) -> Self {
        .init(
            name: "\(kind) \(m)×\(k)→\(n)", flop: 2 * Double(m) * Double(n) * Double(k),
            bytes: 4 * (Double(m) * Double(k + n) + Double(n) * Double(k)))
    }
}
