import CKernels

/// Keys and values of one source of tokens: [images][tokens][heads·head size] each, with equal strides.
package struct KeyValues {
    package let keys: Tensor
    package let values: Tensor

    package init(keys: Tensor, values: Tensor) {
        precondition(
            keys.pixelStride == values.pixelStride && keys.rows == values.rows && keys.images == values.images
                && keys.channels == values.channels && !keys.isPadded && !values.isPadded,
            "keys and values match")
        self.keys = keys
        self.values = values
    }

    var tokens: Int { keys.height * keys.width }
}

extension ComputeContext {
    /// softmax(Q·Kᵀ/√d + mask)·V for each head, over the sources' tokens one after another.
    ///
    /// - Parameters:
    ///   - queries: [images][tokens][heads·head size].
    ///   - sources: 1 to 4 of them.
    ///   - mask: added to the scores: a matrix of [images] × 1 row (for every query) or a row a query × all
    ///     keys.
    /// - Returns: [images][tokens][heads·head size].
    package func attention(_ queries: Tensor, _ sources: [KeyValues], heads: Int, mask: Tensor? = nil)
        -> Tensor
    {
        precondition(
            (1...4).contains(sources.count) && heads > 0 && queries.channels % heads == 0, "attention's shape"
        )
        let keyCount = sources.reduce(0) { $0 + $1.tokens }
        let queryCount = queries.height * queries.width
        precondition(
            sources.allSatisfy { $0.keys.channels == queries.channels && $0.keys.images == queries.images },
            "attention's sources")
        precondition(
            mask.map {
                $0.channels == keyCount && $0.images == queries.images && [1, queryCount].contains($0.width)
            }
                ?? true, "attention's mask")
        let output = map(
            images: queries.images, height: queries.height, width: queries.width, channels: queries.channels)
        let headSize = queries.channels / heads
        let shape = ck_attention_shape(
            images: queries.images, queries: queryCount, heads: heads, head_size: headSize,
            query_stride: queries.pixelStride, query_image_stride: queries.imageStride,
            output_stride: output.pixelStride, output_image_stride: output.imageStride,
            scale: 1 / Float(headSize).squareRoot())
        let precision = FastRule.precision(
            self,
            pays: FastRule.paysInAttention(
                queries: queryCount, keys: keyCount, sharesMask: mask.map { $0.width == 1 } ?? true))
        measured(.attention(queries, keys: keyCount, precision)) {
            withExtendedLifetime((sources, mask?.storage)) {
                let sourceViews = sources.map { source in
                    ck_kv_source(
                        keys: source.keys.storage.pointer + source.keys.offset,
                        values: source.values.storage.pointer + source.values.offset, length: source.tokens,
                        stride: source.keys.pixelStride, image_stride: source.keys.imageStride)
                }
                queries.withPointer { from in
                    output.withPointer { to in
                        ck_attention(
                            kernels, precision, shape, from, sourceViews, Int32(sourceViews.count),
                            mask.map { UnsafePointer($0.storage.pointer + $0.offset) },
                            mask?.imageStride ?? 0,
                            mask.map { $0.width == 1 ? 0 : $0.pixelStride } ?? 0, to)
                    }
                }
            }
        }
        return output
    }
}

extension Profiler.Operation {
    fileprivate static func attention(_ queries: Tensor, keys: Int, _ precision: ck_precision) -> Self {
        let kind = precision == CK_FAST ? "attention fast" : "attention"
        return .init(
            name: "\(kind) \(queries.images)×\(queries.height * queries.width)×\(keys)×\(queries.channels)",
            flop: 4 * Double(queries.rows) * Double(keys) * Double(queries.channels),
            bytes: 8 * Double(queries.rows + queries.images * keys) * Double(queries.channels))
    }
}
