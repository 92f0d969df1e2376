#pragma STDC FP_CONTRACT OFF

#include "../Scalars.h"
#include "../Pool.h"
#include "../Shared.h"
#include "Naive.h"

// MARK: Group norm

typedef struct group_norm {
    ck_group_norm_shape shape;
    const float *x;
    long ldx;
    const float *weight, *bias, *scale_shift;
    ck_activation activation;
    bool padded_output;
    float *y;
    long ldy;
    double *sums;  // [image][sums or squares][part][channels]
    float *affine; // [image][slope or offset][channels in whole vectors]
} group_norm;

/// Sums of a channel over one half of a map's pixels.
static void sum_part(const float *x, long ldx, long pixels, long part, double *sum, double *square) {
    *sum = *square = 0.0;
    long end = ck_min(pixels, ck_part_start(pixels, part + 1));
    for (long pixel = ck_part_start(pixels, part); pixel < end; pixel++) {
        double value = (double)x[pixel * ldx];
        *sum += value;
        *square += value * value; // exact: 48 bits
    }
}

/// Row `row` of all images, into the row that begins at `y`.
static void write_row(const group_norm *g, long row, float *y) {
    ck_group_norm_shape s = g->shape;
    long lanes = ck_line_floats(s.channels);
    const float *slopes = g->affine + row / s.height * 2 * lanes, *offsets = slopes + lanes;
    for (long column = 0; column < s.width; column++) {
        const float *x = g->x + (row * s.width + column) * g->ldx;
        for (long channel = 0; channel < s.channels; channel++) {
            float normal = ck_fma(x[channel], slopes[channel], offsets[channel]);
            y[column * g->ldy + channel] = ck_activate32(g->activation, normal);
        }
    }
}

static void write_image(void *user, long image) {
    const group_norm *g = user;
    ck_group_norm_shape s = g->shape;
    for (long row = image * s.height; row < (image + 1) * s.height; row++) {
        write_row(g, row, g->y + ck_row_start(s.height, s.width, row, g->padded_output, g->ldy));
        if (g->padded_output) ck_clear_border(s.height, s.width, s.channels, row, g->y, g->ldy);
    }
}

static void find_image_affine(void *user, long image) {
    const group_norm *g = user;
    ck_group_norm_shape s = g->shape;
    long pixels = s.height * s.width, size = s.channels / s.groups;
    double *sums = g->sums + image * 2 * ck_norm_parts * s.channels;
    double *squares = sums + ck_norm_parts * s.channels;
    for (long part = 0; part < ck_norm_parts; part++) {
        for (long channel = 0; channel < s.channels; channel++) {
            long at = part * s.channels + channel;
            sum_part(g->x + image * pixels * g->ldx + channel, g->ldx, pixels, part, &sums[at], &squares[at]);
        }
    }
    const float *scale_shift = g->scale_shift ? g->scale_shift + image * 2 * s.channels : 0;
    long lanes = ck_line_floats(s.channels);
    float *slopes = g->affine + image * 2 * lanes, *offsets = slopes + lanes;
    for (long channel = 0; channel < s.channels; channel++) {
        long first = channel / size * size;
        ck_moments moments =
            ck_group_moments(sums + first, squares + first, s.channels, size, pixels, s.epsilon);
        ck_affine affine = ck_channel_affine(moments, channel, s.channels, g->weight, g->bias, scale_shift);
        slopes[channel] = affine.slope;
        offsets[channel] = affine.offset;
    }
}

/// Into `g->affine` or, where there is none, beside the sums.
static void find_affine(ck_pool *pool, group_norm *g) {
    ck_group_norm_shape s = g->shape;
    long sum_floats = 2 * s.images * 2 * ck_norm_parts * s.channels; // an f64 takes two
    float *scratch = ck_pool_scratch(pool, (size_t)(sum_floats + ck_affine_floats(s)));
    g->sums = (double *)scratch;
    if (!g->affine) g->affine = scratch + sum_floats;
    ck_pool_for(pool, s.images, find_image_affine, g);
}

void ck_naive_group_norm(ck_pool *pool, ck_group_norm_shape shape, const float *x, long ldx,
                         const float *weight, const float *bias, const float *scale_shift,
                         ck_activation activation, bool padded_output, float *y, long ldy) {
    group_norm g = {shape, x, ldx, weight, bias, scale_shift, activation, padded_output, y, ldy, 0, 0};
    find_affine(pool, &g);
    ck_pool_for(pool, shape.images, write_image, &g);
}

void ck_naive_group_norm_affine(ck_pool *pool, ck_group_norm_shape shape, const float *x, long ldx,
                                const float *weight, const float *bias, const float *scale_shift,
                                float *affine) {
    group_norm g = {.shape = shape, .x = x, .ldx = ldx, .weight = weight, .bias = bias,
                    .scale_shift = scale_shift, .affine = affine};
    find_affine(pool, &g);
}

void ck_naive_normalise_band(ck_pool *pool, ck_group_norm_shape shape, const float *x, long ldx,
                             const float *affine, ck_activation activation, long first_row, long rows,
                             float *y, long ldy) {
    (void)pool;
    group_norm g = {.shape = shape, .x = x, .ldx = ldx, .activation = activation, .y = y, .ldy = ldy,
                    .affine = (float *)affine};
    for (long line = 0; line < rows + 2; line++) {
        long row = first_row + line - 1;
        float *start = y + line * (shape.width + 2) * ldy;
        ck_clear_pixels(start, shape.width + 2, shape.channels, ldy);
        if (row >= 0 && row < shape.height) write_row(&g, row, start + ldy);
    }
}

// MARK: Layer norm

typedef struct layer_norm {
    long channels;
    float epsilon;
    const float *x;
    long ldx;
    const float *weight, *bias;
    float *y;
    long ldy;
} layer_norm;

/// Two passes, each over sixteen lanes: the mean, then the mean square of the differences to it.
static void normalise_row(void *user, long row) {
    const layer_norm *n = user;
    const float *x = n->x + row * n->ldx;
    float *y = n->y + row * n->ldy;
    float sums[16] = {0}, squares[16] = {0};
    for (long channel = 0; channel < n->channels; channel++) sums[channel % 16] += x[channel];
    float mean = ck_sum_lanes(sums) / (float)n->channels;
    for (long channel = 0; channel < n->channels; channel++) {
        float difference = x[channel] - mean;
        squares[channel % 16] = ck_fma(difference, difference, squares[channel % 16]);
    }
    float inverse = 1.0f / __builtin_sqrtf(ck_sum_lanes(squares) / (float)n->channels + n->epsilon);
    for (long channel = 0; channel < n->channels; channel++) {
        float normal = (x[channel] - mean) * inverse;
        if (n->weight) normal *= n->weight[channel];
        if (n->bias) normal += n->bias[channel];
        y[channel] = normal;
    }
}

void ck_naive_layer_norm(ck_pool *pool, long rows, long channels, float epsilon, const float *x, long ldx,
                         const float *weight, const float *bias, float *y, long ldy) {
    layer_norm n = {channels, epsilon, x, ldx, weight, bias, y, ldy};
    ck_pool_for(pool, rows, normalise_row, &n);
}
