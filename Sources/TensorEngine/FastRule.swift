import CKernels

/// Where a context in fast mode multiplies 16-bit integers: in the layers that gain time by it. It follows
/// from the layer's shape and one image's map alone, never from machine or batch, because it decides bytes.
///
/// The first and last convolutions, products of few rows and attention of few tokens stay in f32.
enum FastRule {
    static func precision(_ context: ComputeContext, pays: Bool) -> ck_precision {
        context.isFast && pays ? CK_FAST : CK_EXACT
    }

    /// Small maps have few tiles for the filters that are transformed, thin layers few products for the
    /// tiles. On Zen 4, one thread, 2×16²×960→960 took 0.78 times as long as in f32, 2×16²×1280→1280 0.78
    /// times, 2×8²×1280→1280 1.20 times.
    static func paysInWinograd(height: Int, width: Int, inputs: Int, outputs: Int) -> Bool {
        height * width >= 16 * 16 && inputs >= 64 && outputs >= 64
    }

    /// Few rows only read the weights, and few outputs do not pay for the rows' integers: 4096×96→32 took
    /// 1.18 times as long as in f32, 4096×320→320 0.70 times.
    static func paysInProduct(rowsOfImage: Int, outputs: Int) -> Bool { rowsOfImage >= 64 && outputs >= 128 }

    /// A mask must be the same for every query. On Zen 4, two threads, 2×64 queries and keys in 20 heads of
    /// 64 took 0.73 times as long as in f32, 1×1024 in 2 heads of 16 0.76 times.
    static func paysInAttention(queries: Int, keys: Int, sharesMask: Bool) -> Bool {
        queries >= 64 && keys >= 64 && sharesMask
    }
}
