import CKernels
import Testing

/// Outputs of tens of megabytes are stored past the caches; their bits are the same.
struct LargeMapTests {
    /// 728² pixels of 16 channels: above the size from which outputs are streamed.
    private let side = 728, channels = 16

    @Test func winograd() throws {
        let arena = Arena()
        defer { arena.free() }
        let x = arena.paddedMap(1, side, side, 1, stride: 1), weight = arena.random(channels * 9, seed: 2)
        let packed = arena.filled(ck_winograd_packed_count(channels, 1))
        ck_winograd_pack(weight, channels, 1, packed)
        let epilogue = Ending().epilogue(arena, images: 1, rows: 1, channels: channels)
        let shape = ck_conv_shape(
            images: 1, height: side, width: side, in_channels: 1, out_channels: channels, kernel: 3, stride: 1
        )
        _ = try expectSameBits(arena, count: side * side * channels, aligned: true) { context, y in
            ck_winograd(context, shape, x, 1, packed, epilogue, y, channels)
        }
    }

    @Test func groupNorm() throws {
        let arena = Arena()
        defer { arena.free() }
        let x = arena.random(side * side * channels), weight = arena.random(channels, seed: 2)
        let shape = ck_group_norm_shape(
            images: 1, height: side, width: side, channels: channels, groups: 8, epsilon: 1e-5)
        let count = (side + 2) * (side + 2) * channels
        _ = try expectSameBits(arena, count: count, aligned: true) { context, y in
            ck_group_norm(
                context, shape, x, channels, weight, weight, nil, CK_ACTIVATION_SILU, true, y, channels)
        }
    }

    @Test func copyAndNearest() throws {
        let arena = Arena()
        defer { arena.free() }
        let x = arena.random(side * side * channels)
        let half = side / 2, count = (side + 2) * (side + 2) * channels
        let copy = try expectSameBits(arena, count: side * side * 2 * channels, aligned: true) { context, y in
            ck_copy_map(context, 1, side, side, channels, x, channels, false, y, 2 * channels)
        }
        #expect(
            (0..<side * side).allSatisfy {
                copy[$0 * 32 + 15] == x[$0 * 16 + 15] && copy[$0 * 32 + 16] == untouched
            })
        let nearest = try expectSameBits(arena, count: count, aligned: true) { context, y in
            ck_nearest_up2(context, 1, half, half, channels, x, channels, true, y, channels)
        }
        let last = (side * (side + 2) + side) * channels
        #expect(nearest[last] == x[(half * half - 1) * channels])
    }
}
