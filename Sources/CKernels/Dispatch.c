#include "Dispatch.h"

#include "Shared.h"

bool ck_path_available(ck_path path) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
        && __builtin_cpu_supports("f16c");
    if (path == CK_PATH_AVX2) return avx2;
    if (path == CK_PATH_AVX512) {
        return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    }
#endif
    return path == CK_PATH_PORTABLE;
}

const ck_path_table *ck_table_for(ck_path path) {
#if defined(__x86_64__)
    if (path == CK_PATH_AVX512) return &ck_table_avx512;
    if (path == CK_PATH_AVX2) return &ck_table_avx2;
#endif
    (void)path;
    return &ck_table_portable;
}

const ck_plain *ck_plain_for(ck_path path) {
#if defined(__x86_64__)
    if (path == CK_PATH_AVX512) return &ck_plain_avx512;
    if (path == CK_PATH_AVX2) return &ck_plain_avx2;
#endif
    (void)path;
    return &ck_plain_portable;
}

// MARK: Matrix product and convolution

const ck_path_table *ck_products_for(ck_path path, ck_precision precision) {
#if defined(__x86_64__)
    if (precision == CK_FAST && path == CK_PATH_AVX512 && !__builtin_cpu_supports("avx512vnni")) {
        return &ck_table_avx2;
    }
#endif
    (void)precision;
    return ck_table_for(path);
}

void ck_gemm(ck_context context, ck_precision precision, long images, long m, long n, long k, const float *a,
             long lda, ck_weights weight, ck_epilogue epilogue, float *c, long ldc) {
    ck_products_for(context.path, precision)->gemm(context.pool, precision, images, m, n, k, a, lda, weight,
                                                   epilogue, c, ldc);
}

void ck_conv(ck_context context, ck_conv_shape shape, const float *x, long ldx, ck_weights weight,
             ck_epilogue epilogue, float *y, long ldy) {
    ck_table_for(context.path)->conv(context.pool, shape, x, ldx, weight, epilogue, y, ldy);
}

void ck_winograd(ck_context context, ck_precision precision, int side, ck_conv_shape shape, const float *x,
                 long ldx, ck_weights weight, ck_epilogue epilogue, float *y, long ldy) {
    ck_products_for(context.path, precision)->winograd(context.pool, precision, side, shape, x, ldx, weight,
                                                       epilogue, y, ldy);
}

// MARK: Attention and norms

void ck_attention(ck_context context, ck_precision precision, ck_attention_shape shape, const float *queries,
                  const ck_kv_source *sources, int source_count, const float *mask, long mask_image_stride,
                  long mask_query_stride, float *output) {
    ck_products_for(context.path, precision)->attention(context.pool, precision, shape, queries, sources,
                                                        source_count, mask, mask_image_stride,
                                                        mask_query_stride, output);
}

void ck_group_norm(ck_context context, ck_group_norm_shape shape, const float *x, long ldx,
                   const float *weight, const float *bias, const float *scale_shift, ck_activation activation,
                   bool padded_output, float *y, long ldy) {
    ck_table_for(context.path)->group_norm(context.pool, shape, x, ldx, weight, bias, scale_shift, activation,
                                           padded_output, y, ldy);
}

long ck_affine_floats(ck_group_norm_shape shape) {
    return shape.images * 2 * ck_line_floats(shape.channels);
}

void ck_group_norm_affine(ck_context context, ck_group_norm_shape shape, const float *x, long ldx,
                          const float *weight, const float *bias, const float *scale_shift, float *affine) {
    ck_table_for(context.path)->group_norm_affine(context.pool, shape, x, ldx, weight, bias, scale_shift,
                                                  affine);
}

void ck_normalise_band(ck_context context, ck_group_norm_shape shape, const float *x, long ldx,
                       const float *affine, ck_activation activation, long first_row, long rows, float *y,
                       long ldy) {
    ck_table_for(context.path)->normalise_band(context.pool, shape, x, ldx, affine, activation, first_row,
                                               rows, y, ldy);
}

void ck_layer_norm(ck_context context, long rows, long channels, float epsilon, const float *x, long ldx,
                   const float *weight, const float *bias, float *y, long ldy) {
    ck_table_for(context.path)->layer_norm(context.pool, rows, channels, epsilon, x, ldx, weight, bias, y,
                                           ldy);
}

// MARK: Elementwise

void ck_activate(ck_context context, ck_activation activation, const float *x, float *y, size_t count) {
    ck_table_for(context.path)->activate(context.pool, activation, x, y, count);
}

void ck_box_muller16(ck_context context, float *x, size_t count) {
    ck_table_for(context.path)->box_muller16(context.pool, x, count);
}

void ck_add(ck_context context, const float *a, const float *b, float *y, size_t count) {
    ck_add_work work = {a, b, y, (long)count};
    ck_pool_for(context.pool, ck_ceil_div(work.count, ck_add_block), ck_plain_for(context.path)->add_block,
                &work);
}

// MARK: Maps

void ck_copy_map(ck_context context, long images, long height, long width, long channels, const float *x,
                 long ldx, bool padded_output, float *y, long ldy) {
    bool stream = ck_streams(images * height * width * ldy);
    ck_map_work work = {height, width, channels, x, ldx, padded_output, y, ldy, stream};
    ck_pool_for(context.pool, images * height, ck_plain_for(context.path)->copy_row, &work);
}

void ck_average_pool2(ck_context context, long images, long height, long width, long channels, const float *x,
                      long ldx, bool padded_output, float *y, long ldy) {
    ck_map_work work = {height, width, channels, x, ldx, padded_output, y, ldy, false};
    ck_pool_for(context.pool, images * (height / 2), ck_plain_for(context.path)->average_pool_row, &work);
}

void ck_nearest_up2(ck_context context, long images, long height, long width, long channels, const float *x,
                    long ldx, bool padded_output, float *y, long ldy) {
    bool stream = ck_streams(4 * images * height * width * ldy);
    ck_map_work work = {height, width, channels, x, ldx, padded_output, y, ldy, stream};
    ck_pool_for(context.pool, images * height, ck_plain_for(context.path)->nearest_row, &work);
}
