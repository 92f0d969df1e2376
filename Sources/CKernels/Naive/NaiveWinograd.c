#pragma STDC FP_CONTRACT OFF

#include "../Pack.h"
#include "../Weights.h"
#include "Naive.h"

// F(4×4,3×3): Y = Aᵀ[(G w Gᵀ) ∘ (Bᵀ d B)]A for each 6×6 piece d of the padded map, stepping by 4 pixels.

typedef struct winograd {
    ck_precision precision;
    ck_conv_shape shape;
    long tile_rows, tile_columns;
    const float *x;
    long ldx;
    ck_weights weights;
    ck_epilogue epilogue;
    float *y;
    long ldy;
} winograd;

/// One line of G·w.
static void transform_filter_line(const float w[3], float out[6]) {
    const float sixth = 1.0f / 6, twelfth = 1.0f / 12, part = 1.0f / 24;
    float outer = -sixth * (w[0] + w[2]), mixed = ck_fma(part, w[0], sixth * w[2]);
    out[0] = 0.25f * w[0];
    out[1] = ck_fma(-sixth, w[1], outer);
    out[2] = ck_fma(sixth, w[1], outer);
    out[3] = ck_fma(twelfth, w[1], mixed);
    out[4] = ck_fma(-twelfth, w[1], mixed);
    out[5] = w[2];
}

/// Columns first, then rows.
static void transform_filter(const float w[9], float out[36]) {
    float half[3][6];
    for (int j = 0; j < 3; j++) {
        float column[3] = {w[j], w[3 + j], w[6 + j]};
        transform_filter_line(column, half[j]);
    }
    for (int i = 0; i < 6; i++) {
        float row[3] = {half[0][i], half[1][i], half[2][i]};
        transform_filter_line(row, out + i * 6);
    }
}

/// One line of Bᵀ·d.
static void transform_input_line(const float d[6], float out[6]) {
    float a = ck_fma(-4.0f, d[2], d[4]), b = ck_fma(-4.0f, d[1], d[3]);
    float e = d[4] - d[2], f = 2.0f * (d[3] - d[1]);
    out[0] = ck_fma(4.0f, d[0], ck_fma(-5.0f, d[2], d[4]));
    out[1] = a + b;
    out[2] = a - b;
    out[3] = e + f;
    out[4] = e - f;
    out[5] = ck_fma(4.0f, d[1], ck_fma(-5.0f, d[3], d[5]));
}

/// One line of Aᵀ·m.
static void transform_output_line(const float m[6], float out[4]) {
    float s = m[1] + m[2], d = m[1] - m[2], u = m[3] + m[4], v = m[3] - m[4];
    out[0] = (m[0] + s) + u;
    out[1] = ck_fma(2.0f, v, d);
    out[2] = ck_fma(4.0f, u, s);
    out[3] = ck_fma(8.0f, v, d) + m[5];
}

/// Rows first, then columns. Pixels past the padded map count as zero.
static void transform_input(const winograd *w, long image, long top, long left, long channel, float out[36]) {
    long rows = w->shape.height + 2, columns = w->shape.width + 2;
    float half[6][6];
    for (long i = 0; i < 6; i++) {
        float line[6];
        for (long j = 0; j < 6; j++) {
            bool inside = top + i < rows && left + j < columns;
            long pixel = (image * rows + top + i) * columns + left + j;
            line[j] = inside ? w->x[pixel * w->ldx + channel] : 0.0f;
        }
        transform_input_line(line, half[i]);
    }
    for (int j = 0; j < 6; j++) {
        float line[6], transformed[6];
        for (int i = 0; i < 6; i++) line[i] = half[i][j];
        transform_input_line(line, transformed);
        for (int i = 0; i < 6; i++) out[i * 6 + j] = transformed[i];
    }
}

static void transform_output(const float m[36], float out[4][4]) {
    float half[6][4];
    for (int i = 0; i < 6; i++) transform_output_line(m + i * 6, half[i]);
    for (int j = 0; j < 4; j++) {
        float line[6], transformed[4];
        for (int i = 0; i < 6; i++) line[i] = half[i][j];
        transform_output_line(line, transformed);
        for (int i = 0; i < 4; i++) out[i][j] = transformed[i];
    }
}

static void store_tile(const winograd *w, long image, long top, long left, long channel, float tile[4][4]) {
    for (long i = 0; i < 4 && top + i < w->shape.height; i++) {
        for (long j = 0; j < 4 && left + j < w->shape.width; j++) {
            long pixel = (image * w->shape.height + top + i) * w->shape.width + left + j;
            const float *residual = w->epilogue.residual;
            if (residual) residual += pixel * w->epilogue.residual_stride;
            w->y[pixel * w->ldy + channel] = ck_finish32(&w->epilogue, tile[i][j], image, channel, residual);
        }
    }
}

/// `transformed` and `filters` hold 36 numbers of each input channel.
static void convolve_tile(const winograd *w, long image, long top, long left, float *transformed,
                          float *filters) {
    long inputs = w->shape.in_channels, outputs = w->shape.out_channels;
    for (long input = 0; input < inputs; input++) {
        transform_input(w, image, top, left, input, transformed + input * 36);
    }
    for (long output = 0; output < outputs; output++) {
        float sums[36], tile[4][4];
        for (long input = 0; input < inputs; input++) {
            float taps[9];
            long start = (output * inputs + input) * 9;
            for (int i = 0; i < 9; i++) taps[i] = ck_weight_at(w->weights, start + i);
            transform_filter(taps, filters + input * 36);
        }
        for (int i = 0; i < 36; i++) {
            sums[i] = ck_naive_product(w->precision, transformed + i, 36, filters + i, 36, inputs, 0.0f);
        }
        transform_output(sums, tile);
        store_tile(w, image, top, left, output, tile);
    }
}

static void convolve_tile_row(void *user, long item) {
    const winograd *w = user;
    long count = w->shape.in_channels * 36;
    float *transformed = ck_naive_memory(2 * count);
    for (long column = 0; column < w->tile_columns; column++) {
        convolve_tile(w, item / w->tile_rows, item % w->tile_rows * 4, column * 4, transformed,
                      transformed + count);
    }
    free(transformed);
}

void ck_naive_winograd(ck_pool *pool, ck_precision precision, ck_conv_shape shape, const float *x, long ldx,
                       ck_weights weights, ck_epilogue epilogue, float *y, long ldy) {
    long tile_rows = ck_ceil_div(shape.height, 4), tile_columns = ck_ceil_div(shape.width, 4);
    winograd w = {precision, shape, tile_rows, tile_columns, x, ldx, weights, epilogue, y, ldy};
    ck_pool_for(pool, shape.images * tile_rows, convolve_tile_row, &w);
}
