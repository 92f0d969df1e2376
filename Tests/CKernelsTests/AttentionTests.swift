import CKernels
import Testing

/// Attention over several sources: the naive twin against a full softmax in f64, the vector paths against
/// the twin.
struct AttentionTests {
    struct Case: Sendable {
        var images = 1
        let queries, heads, headSize: Int
        let lengths: [Int]
        var masked = false
    }

    static let precisions = [CK_EXACT, CK_FAST]

    @Test(arguments: [
        Case(queries: 1, heads: 1, headSize: 1, lengths: [1]),
        Case(queries: 7, heads: 2, headSize: 32, lengths: [9]),
        Case(images: 2, queries: 20, heads: 3, headSize: 40, lengths: [12, 20], masked: true),
        Case(queries: 200, heads: 1, headSize: 64, lengths: [128, 5, 3, 140]),
        Case(queries: 14, heads: 2, headSize: 160, lengths: [300], masked: true),
        Case(images: 2, queries: 3, heads: 1, headSize: 17, lengths: [0, 130], masked: true),
        // As many queries as an item takes at most on one thread, and one more.
        Case(queries: 1792, heads: 4, headSize: 1, lengths: [2]),
        Case(queries: 1793, heads: 4, headSize: 1, lengths: [2]),
    ], precisions)
    func attention(_ c: Case, precision: ck_precision) throws {
        let arena = Arena()
        defer { arena.free() }
        let width = c.heads * c.headSize, total = c.lengths.reduce(0, +)
        let queries = arena.random(c.images * c.queries * (width + 1), -3...3)
        let sources = c.lengths.enumerated().map { index, length in
            let count = c.images * length * (width + 2)
            return ck_kv_source(
                keys: arena.random(count, -3...3, seed: UInt64(10 + index)),
                values: arena.random(count, seed: UInt64(20 + index)),
                length: length, stride: width + 2, image_stride: length * (width + 2))
        }
        // In fast mode the queries of an image share a row of the mask.
        let maskRows = precision == CK_FAST ? 1 : c.queries
        let mask = arena.random(c.images * c.queries * total, -4...0, seed: 3)
        for index in stride(from: 0, to: c.images * c.queries * total, by: 3) { mask[index] = -10000 }
        let shape = ck_attention_shape(
            images: c.images, queries: c.queries, heads: c.heads, head_size: c.headSize,
            query_stride: width + 1, query_image_stride: c.queries * (width + 1),
            output_stride: width + 3, output_image_stride: c.queries * (width + 3),
            scale: 1 / Float(c.headSize).squareRoot())
        let output = try expectSameBits(arena, count: c.images * c.queries * (width + 3)) { context, output in
            ck_attention(
                context, precision, shape, queries, sources, Int32(sources.count), c.masked ? mask : nil,
                maskRows * total, maskRows == 1 ? 0 : total, output)
        }
        let reference = fullSoftmax(c, shape, queries, sources, c.masked ? mask : nil, maskRows: maskRows)
        #expect(relativeError(output, reference) < (precision == CK_FAST ? 6e-3 : 5e-6))
    }

    /// softmax(scale·q·kᵀ + mask)·v with every score kept.
    private func fullSoftmax(
        _ c: Case, _ shape: ck_attention_shape, _ queries: UnsafeMutablePointer<Float>,
        _ sources: [ck_kv_source],
        _ mask: UnsafeMutablePointer<Float>?, maskRows: Int
    ) -> [Double?] {
        let total = c.lengths.reduce(0, +)
        var result = [Double?](repeating: nil, count: c.images * c.queries * shape.output_stride)
        for item in 0..<c.images * c.queries * c.heads {
            let head = item % c.heads, row = item / c.heads, image = row / c.queries
            let maskRow = maskRows == 1 ? image : row
            var scores: [Double] = [], rows: [UnsafePointer<Float>] = []
            for source in sources {
                for token in 0..<source.length {
                    let offset = image * source.image_stride + token * source.stride + head * c.headSize
                    var dot = 0.0
                    for d in 0..<c.headSize {
                        let q = queries[row * shape.query_stride + head * c.headSize + d]
                        dot += Double(q) * Double(source.keys[offset + d])
                    }
                    dot *= Double(shape.scale)
                    if let mask { dot += Double(mask[maskRow * total + scores.count]) }
                    scores.append(dot)
                    rows.append(source.values + offset)
                }
            }
            let peak = scores.max() ?? 0
            let weights = scores.map { ck_exp($0 - peak) }
            let sum = weights.reduce(0, +)
            for d in 0..<c.headSize {
                var value = 0.0
                for (weight, row) in zip(weights, rows) { value += weight * Double(row[d]) }
                result[row * shape.output_stride + head * c.headSize + d] = value / sum
            }
        }
        return result
    }
}
