#pragma STDC FP_CONTRACT OFF

#include "../Pack.h"
#include "../Scalars.h"
#include "Naive.h"

/// Adds the products of `inputs` values with one panel's rows to the panel's sums, in order.
static void accumulate(const float *values, long inputs, const float *rows, long width, float *sums) {
    for (long input = 0; input < inputs; input++) {
        for (long lane = 0; lane < width; lane++) {
            sums[lane] = ck_fma(values[input], rows[input * width + lane], sums[lane]);
        }
    }
}

// MARK: Matrix product

typedef struct gemm {
    long rows_per_image, n, k;
    const float *a;
    long lda;
    const float *packed;
    ck_epilogue epilogue;
    float *c;
    long ldc;
} gemm;

static void gemm_row(void *user, long row) {
    const gemm *g = user;
    const float *residual = g->epilogue.residual;
    if (residual) residual += row * g->epilogue.residual_stride;
    for (long panel = 0; panel < ck_panels(g->n); panel++) {
        long width = ck_width_of_panel(g->n, panel), first = panel * ck_panel_width;
        float sums[ck_panel_width] = {0};
        accumulate(g->a + row * g->lda, g->k, ck_panel(g->packed, g->k, panel), width, sums);
        for (long lane = 0; lane < ck_min(width, g->n - first); lane++) {
            g->c[row * g->ldc + first + lane] =
                ck_finish32(&g->epilogue, sums[lane], row / g->rows_per_image, first + lane, residual);
        }
    }
}

void ck_naive_gemm(ck_pool *pool, long images, long m, long n, long k, const float *a, long lda,
                   const float *packed, ck_epilogue epilogue, float *c, long ldc) {
    gemm g = {m / images, n, k, a, lda, packed, epilogue, c, ldc};
    ck_pool_for(pool, m, gemm_row, &g);
}

// MARK: Direct convolution

typedef struct conv {
    ck_conv_shape shape;
    long out_height, out_width;
    const float *x;
    long ldx;
    const float *packed;
    ck_epilogue epilogue;
    float *y;
    long ldy;
} conv;

static void conv_pixel(const conv *v, long image, long row, long column) {
    ck_conv_shape s = v->shape;
    long border = s.kernel == 3 ? 2 : 0, in_width = s.width + border;
    const float *corner = v->x + ((image * (s.height + border) + row * s.stride) * in_width
                                  + column * s.stride) * v->ldx;
    long pixel = (image * v->out_height + row) * v->out_width + column;
    long inputs = s.in_channels * s.kernel * s.kernel;
    const float *residual = v->epilogue.residual;
    if (residual) residual += pixel * v->epilogue.residual_stride;
    for (long panel = 0; panel < ck_panels(s.out_channels); panel++) {
        long width = ck_width_of_panel(s.out_channels, panel), first = panel * ck_panel_width;
        const float *rows = ck_panel(v->packed, inputs, panel);
        float sums[ck_panel_width] = {0};
        for (int i = 0; i < s.kernel; i++) {
            for (int j = 0; j < s.kernel; j++) {
                accumulate(corner + (i * in_width + j) * v->ldx, s.in_channels, rows, width, sums);
                rows += s.in_channels * width;
            }
        }
        for (long lane = 0; lane < ck_min(width, s.out_channels - first); lane++) {
            v->y[pixel * v->ldy + first + lane] =
                ck_finish32(&v->epilogue, sums[lane], image, first + lane, residual);
        }
    }
}

static void conv_row(void *user, long item) {
    const conv *v = user;
    for (long column = 0; column < v->out_width; column++) {
        conv_pixel(v, item / v->out_height, item % v->out_height, column);
    }
}

void ck_naive_conv(ck_pool *pool, ck_conv_shape shape, const float *x, long ldx, const float *packed,
                   ck_epilogue epilogue, float *y, long ldy) {
    long out_height = ck_ceil_div(shape.height, shape.stride);
    long out_width = ck_ceil_div(shape.width, shape.stride);
    conv v = {shape, out_height, out_width, x, ldx, packed, epilogue, y, ldy};
    ck_pool_for(pool, shape.images * out_height, conv_row, &v);
}
