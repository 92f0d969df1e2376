import CKernels
import Testing

/// Outputs of tens of megabytes are stored past the caches; their bits are the same. A wide pixel stride
/// makes a map of few pixels that large.
struct LargeMapTests {
    private let side = 128, channels = 16, stride = 528

    @Test(arguments: [CInt(4), 6]) func winograd(tile: CInt) throws {
        let arena = Arena()
        defer { arena.free() }
        let x = arena.paddedMap(1, side, side, 1, stride: 1), weight = arena.random(channels * 9, seed: 2)
        let weights = ck_weights(values: weight, type: CK_TYPE_F32)
        let epilogue = Ending().epilogue(arena, images: 1, rows: 1, channels: channels)
        let shape = ck_conv_shape(
            images: 1, height: side, width: side, in_channels: 1, out_channels: channels, kernel: 3, stride: 1
        )
        _ = try expectSameBits(arena, count: side * side * stride, aligned: true) { context, y in
            ck_winograd(context, CK_EXACT, tile, shape, x, 1, weights, epilogue, y, stride)
        }
    }

    @Test func groupNorm() throws {
        let arena = Arena()
        defer { arena.free() }
        let x = arena.random(side * side * channels), weight = arena.random(channels, seed: 2)
        let shape = ck_group_norm_shape(
            images: 1, height: side, width: side, channels: channels, groups: 8, epsilon: 1e-5)
        let count = (side + 2) * (side + 2) * stride
        _ = try expectSameBits(arena, count: count, aligned: true) { context, y in
            ck_group_norm(
                context, shape, x, channels, weight, weight, nil, CK_ACTIVATION_SILU, true, y, stride)
        }
    }

    @Test func copyAndNearest() throws {
        let arena = Arena()
        defer { arena.free() }
        let x = arena.random(side * side * channels)
        let copy = try expectSameBits(arena, count: side * side * stride, aligned: true) { context, y in
            ck_copy_map(context, 1, side, side, channels, x, channels, false, y, stride)
        }
        let half = side / 2, count = (side + 2) * (side + 2) * stride
        let nearest = try expectSameBits(arena, count: count, aligned: true) { context, y in
            ck_nearest_up2(context, 1, half, half, channels, x, channels, true, y, stride)
        }
        for pixel in 0..<side * side {
            #expect(copy[pixel * stride + 15] == x[pixel * channels + 15])
            #expect(copy[pixel * stride + 16] == untouched)
            let source = (pixel / side / 2 * half + pixel % side / 2) * channels
            let target = ((pixel / side + 1) * (side + 2) + pixel % side + 1) * stride
            #expect(nearest[target] == x[source])
        }
    }
}
