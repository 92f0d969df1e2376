/// The paths as tables of operations. A path that the machine lacks is never called.
#ifndef TESSERA_CKERNELS_DISPATCH_H
#define TESSERA_CKERNELS_DISPATCH_H

#include "Plain.h"
#include "Pool.h"

/// One path. The arguments are those of the public functions.
typedef struct ck_path_table {
    void (*gemm)(ck_pool *pool, ck_precision precision, long images, long m, long n, long k, const float *a,
                 long lda, ck_weights weight, ck_epilogue epilogue, float *c, long ldc);
    void (*conv)(ck_pool *pool, ck_conv_shape shape, const float *x, long ldx, ck_weights weight,
                 ck_epilogue epilogue, float *y, long ldy);
    void (*winograd)(ck_pool *pool, ck_precision precision, int side, ck_conv_shape shape, const float *x,
                     long ldx, ck_weights weight, ck_epilogue epilogue, float *y, long ldy);
    void (*attention)(ck_pool *pool, ck_precision precision, ck_attention_shape shape, const float *queries,
                      const ck_kv_source *sources, int source_count, const float *mask,
                      long mask_image_stride, long mask_query_stride, float *output);
    void (*group_norm)(ck_pool *pool, ck_group_norm_shape shape, const float *x, long ldx,
                       const float *weight, const float *bias, const float *scale_shift,
                       ck_activation activation, bool padded_output, float *y, long ldy);
    void (*group_norm_affine)(ck_pool *pool, ck_group_norm_shape shape, const float *x, long ldx,
                              const float *weight, const float *bias, const float *scale_shift,
                              float *affine);
    void (*normalise_band)(ck_pool *pool, ck_group_norm_shape shape, const float *x, long ldx,
                           const float *affine, ck_activation activation, long first_row, long rows,
                           float *y, long ldy);
    void (*layer_norm)(ck_pool *pool, long rows, long channels, float epsilon, const float *x, long ldx,
                       const float *weight, const float *bias, float *y, long ldy);
    void (*activate)(ck_pool *pool, ck_activation activation, const float *x, float *y, size_t count);
    void (*box_muller16)(ck_pool *pool, float *x, size_t count);
    /// Runs independent FMAs for the peak's measurement and returns how many FLOP that were.
    double (*spend_flops)(long rounds, float *sink);
    /// The same with the sums of products of fast mode.
    double (*spend_integer_ops)(long rounds, float *sink);
    /// Reads `count` floats (a multiple of 64) and returns a value that depends on all.
    float (*read_all)(const float *x, size_t count);
} ck_path_table;

extern const ck_path_table ck_table_portable;
#if defined(__x86_64__)
extern const ck_path_table ck_table_avx2, ck_table_avx512;
#endif

const ck_path_table *ck_table_for(ck_path path);
/// The table whose matrix products, convolutions and attention serve `path`. Integers need VNNI on AVX-512:
/// a machine without it takes them eight lanes wide.
const ck_path_table *ck_products_for(ck_path path, ck_precision precision);
const ck_plain *ck_plain_for(ck_path path);

#endif
