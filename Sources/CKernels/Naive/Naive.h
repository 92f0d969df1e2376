/// The naive twins: what each operation computes, written to be read. They define the bits that the vector
/// paths must give, and they are the portable path.
#ifndef TESSERA_CKERNELS_NAIVE_H
#define TESSERA_CKERNELS_NAIVE_H

#include <stdlib.h>

#include "../Integers.h"

/// Room for `count` floats, which the caller frees. Traps when memory is exhausted.
static inline float *ck_naive_memory(long count) {
    float *memory = malloc((size_t)count * sizeof(float));
    if (!memory) __builtin_trap();
    return memory;
}

void ck_naive_gemm(ck_pool *pool, ck_precision precision, long images, long m, long n, long k, const float *a,
                   long lda, ck_weights weight, ck_epilogue epilogue, float *c, long ldc);
void ck_naive_conv(ck_pool *pool, ck_conv_shape shape, const float *x, long ldx, ck_weights weight,
                   ck_epilogue epilogue, float *y, long ldy);
void ck_naive_winograd(ck_pool *pool, ck_precision precision, int side, ck_conv_shape shape, const float *x,
                       long ldx, ck_weights weights, ck_epilogue epilogue, float *y, long ldy);
void ck_naive_attention(ck_pool *pool, ck_precision precision, ck_attention_shape shape, const float *queries,
                        const ck_kv_source *sources, int source_count, const float *mask,
                        long mask_image_stride, long mask_query_stride, float *output);
void ck_naive_group_norm(ck_pool *pool, ck_group_norm_shape shape, const float *x, long ldx,
                         const float *weight, const float *bias, const float *scale_shift,
                         ck_activation activation, bool padded_output, float *y, long ldy);
void ck_naive_group_norm_affine(ck_pool *pool, ck_group_norm_shape shape, const float *x, long ldx,
                                const float *weight, const float *bias, const float *scale_shift,
                                float *affine);
void ck_naive_normalise_band(ck_pool *pool, ck_group_norm_shape shape, const float *x, long ldx,
                             const float *affine, ck_activation activation, long first_row, long rows,
                             float *y, long ldy);
void ck_naive_layer_norm(ck_pool *pool, long rows, long channels, float epsilon, const float *x, long ldx,
                         const float *weight, const float *bias, float *y, long ldy);
void ck_naive_activate(ck_pool *pool, ck_activation activation, const float *x, float *y, size_t count);
void ck_naive_box_muller16(ck_pool *pool, float *x, size_t count);

/// A block of fast mode's numbers.
typedef struct ck_naive_block {
    float scale;
    int16_t numbers[ck_block_inputs];
} ck_naive_block;

/// In how many sums the squares of a block are added: a row's numbers lie in the lanes of four vectors, of an
/// output's each is in another vector.
enum { ck_sums_of_row = 64, ck_sums_of_output = 1 };

/// A block of `count` numbers that lie `stride` apart, by the number of sums.
ck_naive_block ck_naive_integers(const float *x, long stride, long count, int sums);

/// The products of `count` numbers of two blocks, added and scaled, onto `sum`.
float ck_naive_block_product(const ck_naive_block *left, const ck_naive_block *right, long count, float sum);

/// The sum of `count` products a[i]·b[i], of a row's and an output's numbers that lie `a_stride` and
/// `b_stride` apart, onto `sum`.
float ck_naive_product(ck_precision precision, const float *a, long a_stride, const float *b, long b_stride,
                       long count, float sum);

#endif
