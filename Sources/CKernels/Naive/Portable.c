#pragma STDC FP_CONTRACT OFF

#include "../Dispatch.h"
#include "../Shared.h"
#include "Naive.h"

#include "../PlainLoops.h"

const ck_plain ck_plain_portable = CK_PLAIN_TABLE;

static double spend_flops(long rounds, float *sink) {
    float sums[8] = {0};
    for (long round = 0; round < rounds; round++) {
        for (int i = 0; i < 8; i++) sums[i] = __builtin_fmaf(sums[i], 0.999f, 0.5f);
    }
    for (int i = 0; i < 8; i++) *sink += sums[i];
    return (double)rounds * 8 * 2;
}

static double spend_integer_ops(long rounds, float *sink) {
    uint32_t sums[8] = {0};
    for (long round = 0; round < rounds; round++) {
        for (uint32_t i = 0; i < 8; i++) sums[i] += (sums[i] & 0xffff) * 3 + (sums[i] >> 16) * 5 + i;
    }
    for (int i = 0; i < 8; i++) *sink += (float)sums[i];
    return (double)rounds * 8 * 4;
}

static float read_all(const float *x, size_t count) {
    float sums[64] = {0}, total = 0.0f;
    for (size_t i = 0; i < count; i += 64) {
        for (int lane = 0; lane < 64; lane++) sums[lane] += x[i + lane];
    }
    for (int lane = 0; lane < 64; lane++) total += sums[lane];
    return total;
}

const ck_path_table ck_table_portable = {
    .gemm = ck_naive_gemm,
    .conv = ck_naive_conv,
    .winograd = ck_naive_winograd,
    .attention = ck_naive_attention,
    .group_norm = ck_naive_group_norm,
    .group_norm_affine = ck_naive_group_norm_affine,
    .normalise_band = ck_naive_normalise_band,
    .layer_norm = ck_naive_layer_norm,
    .activate = ck_naive_activate,
    .box_muller16 = ck_naive_box_muller16,
    .spend_flops = spend_flops,
    .spend_integer_ops = spend_integer_ops,
    .read_all = read_all,
};
