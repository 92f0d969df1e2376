#pragma STDC FP_CONTRACT OFF

#include "../Pack.h"
#include "../Scalars.h"
#include "../Weights.h"
#include "Naive.h"

// MARK: Matrix product

typedef struct gemm {
    ck_precision precision;
    long rows_per_image, n, k;
    const float *a;
    long lda;
    ck_weights weight;
    ck_epilogue epilogue;
    float *c;
    long ldc;
} gemm;

static void gemm_row(void *user, long row) {
    const gemm *g = user;
    const float *residual = g->epilogue.residual;
    if (residual) residual += row * g->epilogue.residual_stride;
    float *weights = ck_naive_memory(g->k);
    for (long n = 0; n < g->n; n++) {
        for (long k = 0; k < g->k; k++) weights[k] = ck_weight_at(g->weight, n * g->k + k);
        const float *a = g->a + row * g->lda;
        float sum = ck_naive_product(g->precision, a, 1, weights, 1, g->k, 0.0f);
        g->c[row * g->ldc + n] = ck_finish32(&g->epilogue, sum, row / g->rows_per_image, n, residual);
    }
    free(weights);
}

void ck_naive_gemm(ck_pool *pool, ck_precision precision, long images, long m, long n, long k, const float *a,
                   long lda, ck_weights weight, ck_epilogue epilogue, float *c, long ldc) {
    gemm g = {precision, m / images, n, k, a, lda, weight, epilogue, c, ldc};
    ck_pool_for(pool, m, gemm_row, &g);
}

// MARK: Direct convolution

typedef struct conv {
    ck_conv_shape shape;
    long out_height, out_width;
    const float *x;
    long ldx;
    ck_weights weight;
    ck_epilogue epilogue;
    float *y;
    long ldy;
} conv;

/// The sum of one output: tap by tap, and channel by channel within a tap.
static float conv_sum(const conv *v, const float *corner, long output) {
    ck_conv_shape s = v->shape;
    long in_width = s.width + (s.kernel == 3 ? 2 : 0), taps = (long)s.kernel * s.kernel;
    float sum = 0.0f;
    for (long tap = 0; tap < taps; tap++) {
        const float *x = corner + (tap / s.kernel * in_width + tap % s.kernel) * v->ldx;
        for (long input = 0; input < s.in_channels; input++) {
            float weight = ck_weight_at(v->weight, (output * s.in_channels + input) * taps + tap);
            sum = ck_fma(x[input], weight, sum);
        }
    }
    return sum;
}

static void conv_pixel(const conv *v, long image, long row, long column) {
    ck_conv_shape s = v->shape;
    long border = s.kernel == 3 ? 2 : 0;
    const float *corner = v->x + ((image * (s.height + border) + row * s.stride) * (s.width + border)
                                  + column * s.stride) * v->ldx;
    long pixel = (image * v->out_height + row) * v->out_width + column;
    const float *residual = v->epilogue.residual;
    if (residual) residual += pixel * v->epilogue.residual_stride;
    for (long output = 0; output < s.out_channels; output++) {
        v->y[pixel * v->ldy + output] =
            ck_finish32(&v->epilogue, conv_sum(v, corner, output), image, output, residual);
    }
}

static void conv_row(void *user, long item) {
    const conv *v = user;
    for (long column = 0; column < v->out_width; column++) {
        conv_pixel(v, item / v->out_height, item % v->out_height, column);
    }
}

void ck_naive_conv(ck_pool *pool, ck_conv_shape shape, const float *x, long ldx, ck_weights weight,
                   ck_epilogue epilogue, float *y, long ldy) {
    long out_height = ck_ceil_div(shape.height, shape.stride);
    long out_width = ck_ceil_div(shape.width, shape.stride);
    conv v = {shape, out_height, out_width, x, ldx, weight, epilogue, y, ldy};
    ck_pool_for(pool, shape.images * out_height, conv_row, &v);
}
