import CKernels

/// An elementwise function of networks.
package enum Activation: Sendable, Hashable {
    case none
    case silu
    /// Exact, by erf.
    case gelu
    /// x·sigmoid(1.702·x), as OpenAI's CLIP has it.
    case quickGELU

    var code: ck_activation {
        switch self {
        case .none: CK_ACTIVATION_NONE
        case .silu: CK_ACTIVATION_SILU
        case .gelu: CK_ACTIVATION_GELU
        case .quickGELU: CK_ACTIVATION_QUICK_GELU
        }
    }
}

/// Floats that a layer owns for good: biases, a norm's weights.
struct Parameter {
    let storage: Storage
    let count: Int

    init(count: Int, fill: (UnsafeMutablePointer<Float>) -> Void) {
        storage = Storage(count: count)
        self.count = count
        fill(storage.pointer)
    }

    init(_ values: [Float]) {
        self.init(count: values.count) { target in
            values.withUnsafeBufferPointer { source in
                if let start = source.baseAddress { target.update(from: start, count: source.count) }
            }
        }
    }

    /// Scoped address of the first float.
    func withPointer<R>(_ body: (UnsafePointer<Float>) -> R) -> R {
        withExtendedLifetime(storage) { body(UnsafePointer(storage.pointer)) }
    }
}

/// What happens to a product's sums: (activation(sum + bias) + residual), with the addresses kept alive by
/// `body`'s scope.
struct EpilogueOperands {
    var bias: Parameter?
    /// Per image [images][channels]; replaces `bias`.
    var imageBias: Tensor?
    var residual: Tensor?
    var activation: Activation = .none

    func withEpilogue<R>(_ body: (ck_epilogue) -> R) -> R {
        withExtendedLifetime((bias?.storage, imageBias?.storage, residual?.storage)) {
            var epilogue = ck_epilogue()
            epilogue.scale = 1
            epilogue.activation = activation.code
            if let imageBias {
                epilogue.bias = UnsafePointer(imageBias.storage.pointer + imageBias.offset)
                epilogue.bias_image_stride = imageBias.pixelStride
            } else if let bias {
                epilogue.bias = UnsafePointer(bias.storage.pointer)
            }
            if let residual {
                precondition(!residual.isPadded, "a residual is a plain map")
                epilogue.residual = UnsafePointer(residual.storage.pointer + residual.offset)
                epilogue.residual_stride = residual.pixelStride
            }
            return body(epilogue)
        }
    }
}
