#pragma STDC FP_CONTRACT OFF

#include "../Pack.h"
#include "../Weights.h"
#include "Naive.h"

// Y = Aᵀ[(G w Gᵀ) ∘ (Bᵀ d B)]A for each piece d of the padded map, `side` + 2 pixels wide, stepping by
// `side`, which is 4 (the points 0, ±1, ±2) or 6 (±1/2 as well).

enum { most_side = 6, most_piece = most_side + 2, most_matrices = most_piece * most_piece };

typedef struct winograd {
    ck_precision precision;
    int side, piece;
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
static void transform_filter_line(int side, const float w[3], float out[most_piece]) {
    if (side == 6) {
        const float ninths = 2.0f / 9, small = 1.0f / 90;
        float around = -ninths * (w[0] + w[2]);
        float near = ck_fma(small, w[0], 4 * small * w[2]), far = ck_fma(64 * small, w[0], 16 * small * w[2]);
        out[0] = w[0];
        out[1] = ck_fma(-ninths, w[1], around);
        out[2] = ck_fma(ninths, w[1], around);
        out[3] = ck_fma(2 * small, w[1], near);
        out[4] = ck_fma(-2 * small, w[1], near);
        out[5] = ck_fma(32 * small, w[1], far);
        out[6] = ck_fma(-32 * small, w[1], far);
        out[7] = w[2];
        return;
    }
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
static void transform_filter(int side, const float w[9], float out[most_matrices]) {
    float half[3][most_piece], line[most_piece];
    int piece = side + 2;
    for (int j = 0; j < 3; j++) {
        float column[3] = {w[j], w[3 + j], w[6 + j]};
        transform_filter_line(side, column, half[j]);
    }
    for (int i = 0; i < piece; i++) {
        float row[3] = {half[0][i], half[1][i], half[2][i]};
        transform_filter_line(side, row, line);
        for (int j = 0; j < piece; j++) out[i * piece + j] = line[j];
    }
}

/// One line of Bᵀ·d.
static void transform_input_line(int side, const float d[most_piece], float out[most_piece]) {
    if (side == 6) {
        float a = ck_fma(-4.25f, d[4], d[2] + d[6]), b = ck_fma(-4.25f, d[3], d[1] + d[5]);
        float e = ck_fma(0.25f, d[2], ck_fma(-1.25f, d[4], d[6]));
        float f = ck_fma(0.5f, d[1], ck_fma(-2.5f, d[3], 2.0f * d[5]));
        float g = ck_fma(4.0f, d[2], ck_fma(-5.0f, d[4], d[6]));
        float h = ck_fma(2.0f, d[1], ck_fma(-2.5f, d[3], 0.5f * d[5]));
        out[0] = ck_fma(5.25f, d[4] - d[2], d[0] - d[6]);
        out[1] = a + b;
        out[2] = a - b;
        out[3] = e + f;
        out[4] = e - f;
        out[5] = g + h;
        out[6] = g - h;
        out[7] = ck_fma(5.25f, d[3] - d[5], d[7] - d[1]);
        return;
    }
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
static void transform_output_line(int side, const float m[most_piece], float out[most_side]) {
    float s = m[1] + m[2], d = m[1] - m[2], u = m[3] + m[4], v = m[3] - m[4];
    if (side == 6) {
        float p = m[5] + m[6], q = m[5] - m[6];
        out[0] = ((m[0] + s) + u) + p;
        out[1] = ck_fma(0.5f, q, ck_fma(2.0f, v, d));
        out[2] = ck_fma(0.25f, p, ck_fma(4.0f, u, s));
        out[3] = ck_fma(0.125f, q, ck_fma(8.0f, v, d));
        out[4] = ck_fma(0.0625f, p, ck_fma(16.0f, u, s));
        out[5] = ck_fma(0.03125f, q, ck_fma(32.0f, v, d)) + m[7];
        return;
    }
    out[0] = (m[0] + s) + u;
    out[1] = ck_fma(2.0f, v, d);
    out[2] = ck_fma(4.0f, u, s);
    out[3] = ck_fma(8.0f, v, d) + m[5];
}

/// Rows first, then columns. Pixels past the padded map count as zero.
static void transform_input(const winograd *w, long image, long top, long left, long channel, float *out) {
    long rows = w->shape.height + 2, columns = w->shape.width + 2;
    float half[most_piece][most_piece];
    for (long i = 0; i < w->piece; i++) {
        float line[most_piece];
        for (long j = 0; j < w->piece; j++) {
            bool inside = top + i < rows && left + j < columns;
            long pixel = (image * rows + top + i) * columns + left + j;
            line[j] = inside ? w->x[pixel * w->ldx + channel] : 0.0f;
        }
        transform_input_line(w->side, line, half[i]);
    }
    for (int j = 0; j < w->piece; j++) {
        float line[most_piece], transformed[most_piece];
        for (int i = 0; i < w->piece; i++) line[i] = half[i][j];
        transform_input_line(w->side, line, transformed);
        for (int i = 0; i < w->piece; i++) out[i * w->piece + j] = transformed[i];
    }
}

static void transform_output(const winograd *w, const float *m, float out[most_side][most_side]) {
    float half[most_piece][most_side];
    for (int i = 0; i < w->piece; i++) transform_output_line(w->side, m + i * w->piece, half[i]);
    for (int j = 0; j < w->side; j++) {
        float line[most_piece], transformed[most_side];
        for (int i = 0; i < w->piece; i++) line[i] = half[i][j];
        transform_output_line(w->side, line, transformed);
        for (int i = 0; i < w->side; i++) out[i][j] = transformed[i];
    }
}

static void store_tile(const winograd *w, long image, long top, long left, long channel,
                       float tile[most_side][most_side]) {
    for (long i = 0; i < w->side && top + i < w->shape.height; i++) {
        for (long j = 0; j < w->side && left + j < w->shape.width; j++) {
            long pixel = (image * w->shape.height + top + i) * w->shape.width + left + j;
            const float *residual = w->epilogue.residual;
            if (residual) residual += pixel * w->epilogue.residual_stride;
            w->y[pixel * w->ldy + channel] = ck_finish32(&w->epilogue, tile[i][j], image, channel, residual);
        }
    }
}

/// `transformed` and `filters` hold a number of each input channel for each pixel of a piece.
static void convolve_tile(const winograd *w, long image, long top, long left, float *transformed,
                          float *filters) {
    long inputs = w->shape.in_channels, outputs = w->shape.out_channels, matrices = w->piece * w->piece;
    for (long input = 0; input < inputs; input++) {
        transform_input(w, image, top, left, input, transformed + input * matrices);
    }
    for (long output = 0; output < outputs; output++) {
        float sums[most_matrices], tile[most_side][most_side];
        for (long input = 0; input < inputs; input++) {
            float taps[9];
            long start = (output * inputs + input) * 9;
            for (int i = 0; i < 9; i++) taps[i] = ck_weight_at(w->weights, start + i);
            transform_filter(w->side, taps, filters + input * matrices);
        }
        for (int i = 0; i < matrices; i++) {
            sums[i] = ck_naive_product(w->precision, transformed + i, matrices, filters + i, matrices, inputs,
                                       0.0f);
        }
        transform_output(w, sums, tile);
        store_tile(w, image, top, left, output, tile);
    }
}

static void convolve_tile_row(void *user, long item) {
    const winograd *w = user;
    long count = w->shape.in_channels * w->piece * w->piece;
    float *transformed = ck_naive_memory(2 * count);
    for (long column = 0; column < w->tile_columns; column++) {
        convolve_tile(w, item / w->tile_rows, item % w->tile_rows * w->side, column * w->side, transformed,
                      transformed + count);
    }
    free(transformed);
}

void ck_naive_winograd(ck_pool *pool, ck_precision precision, int side, ck_conv_shape shape, const float *x,
                       long ldx, ck_weights weights, ck_epilogue epilogue, float *y, long ldy) {
    long tile_rows = ck_ceil_div(shape.height, side), tile_columns = ck_ceil_div(shape.width, side);
    winograd w = {
        precision, side, side + 2, shape, tile_rows, tile_columns, x, ldx, weights, epilogue, y, ldy,
    };
    ck_pool_for(pool, shape.images * tile_rows, convolve_tile_row, &w);
}
