import CKernels

/// y = activation(x·Wᵀ + b) over rows, or over the pixels of a map (a 1×1 convolution).
///
/// It may consist of several layers over the same input, whose outputs follow one another.
package struct Linear {
    /// One of the layers.
    package struct Part {
        let outputs: Int
        let weight: Weights
        let bias: Parameter?

        /// - Parameters:
        ///   - weight: [outputs][inputs], as PyTorch keeps it.
        ///   - bias: [outputs].
        package init(outputs: Int, weight: Weights, bias: [Float]?) {
            precondition(bias?.count ?? outputs == outputs, "a linear layer's bias")
            self.outputs = outputs
            self.weight = weight
            self.bias = bias.map { Parameter($0) }
        }
    }

    package let inputs: Int
    package let outputs: Int
    private let parts: [Part]

    /// - Parameters:
    ///   - weight: [outputs][inputs], as PyTorch keeps it.
    ///   - bias: [outputs].
    package init(inputs: Int, outputs: Int, weight: Weights, bias: [Float]?) {
        self.init(inputs: inputs, parts: [Part(outputs: outputs, weight: weight, bias: bias)])
    }

    /// Layers of as many inputs each.
    package init(inputs: Int, parts: [Part]) {
        precondition(
            parts.allSatisfy { $0.weight.count == inputs * $0.outputs }, "a linear layer's shape")
        self.inputs = inputs
        self.outputs = parts.reduce(0) { $0 + $1.outputs }
        self.parts = parts
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
        let precision = FastRule.precision(
            context, pays: FastRule.paysInProduct(rowsOfImage: x.rows / x.images, outputs: outputs))
        let kind = precision == CK_FAST ? "linear fast" : "linear"
        context.measured(.product(kind, m: x.rows, n: outputs, k: inputs)) {
            var first = 0
            for part in parts {
                let channels = first..<first + part.outputs
                let operands = EpilogueOperands(
                    bias: part.bias, residual: residual?.channels(channels), activation: activation)
                multiply(x, part, operands, into: y.channels(channels), context, precision)
                first = channels.upperBound
            }
        }
        return y
    }

    private func multiply(
        _ x: Tensor, _ part: Part, _ operands: EpilogueOperands, into y: Tensor, _ context: ComputeContext,
        _ precision: ck_precision
    ) {
        x.withPointer { from in
            y.withPointer { to in
                part.weight.withWeights { weight in
                    operands.withEpilogue { epilogue in
                        ck_gemm(
                            context.kernels, precision, x.images, x.rows, part.outputs, inputs, from,
                            x.pixelStride, weight, epilogue, to, y.pixelStride)
                    }
                }
            }
        }
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
