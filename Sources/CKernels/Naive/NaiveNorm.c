#pragma STDC FP_CONTRACT OFF

#include "../Scalars.h"
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
} group_norm;

/// Sums of one group's channels over pixels `first` ..< `end` of a map that starts at `x`.
static ck_moments chunk_moments(const group_norm *g, const float *x, long group, long first, long end) {
    long size = g->shape.channels / g->shape.groups;
    ck_moments moments = {0, 0};
    for (long channel = group * size; channel < (group + 1) * size; channel++) {
        float pivot = x[first * g->ldx + channel], sum = 0.0f, squares = 0.0f;
        for (long pixel = first; pixel < end; pixel++) {
            float difference = x[pixel * g->ldx + channel] - pivot;
            sum += difference;
            squares = ck_fma(difference, difference, squares);
        }
        ck_add_chunk(&moments, (double)(end - first), pivot, sum, squares);
    }
    return moments;
}

static void write_channel(const group_norm *g, long image, long channel, ck_affine affine) {
    ck_group_norm_shape s = g->shape;
    for (long row = image * s.height; row < (image + 1) * s.height; row++) {
        const float *x = g->x + row * s.width * g->ldx + channel;
        float *y = g->y + ck_row_start(s.height, s.width, row, g->padded_output, g->ldy) + channel;
        for (long column = 0; column < s.width; column++) {
            float normal = ck_fma(x[column * g->ldx], affine.slope, affine.offset);
            y[column * g->ldy] = ck_activate32(g->activation, normal);
        }
        if (g->padded_output) ck_clear_border(s.height, s.width, 1, row, g->y + channel, g->ldy);
    }
}

static void normalise_group(void *user, long item) {
    const group_norm *g = user;
    ck_group_norm_shape s = g->shape;
    long image = item / s.groups, group = item % s.groups;
    long pixels = s.height * s.width, size = s.channels / s.groups;
    const float *x = g->x + image * pixels * g->ldx;
    ck_moments total = {0, 0};
    for (long first = 0; first < pixels; first += ck_norm_chunk) {
        ck_moments part = chunk_moments(g, x, group, first, ck_min(pixels, first + ck_norm_chunk));
        total.sum += part.sum;
        total.squares += part.squares;
    }
    double mean, inverse = ck_inverse_deviation(total, (double)(pixels * size), s.epsilon, &mean);
    const float *scale_shift = g->scale_shift ? g->scale_shift + image * 2 * s.channels : 0;
    for (long channel = group * size; channel < (group + 1) * size; channel++) {
        write_channel(g, image, channel, ck_channel_affine(mean, inverse, channel, s.channels, g->weight,
                                                           g->bias, scale_shift));
    }
}

void ck_naive_group_norm(ck_pool *pool, ck_group_norm_shape shape, const float *x, long ldx,
                         const float *weight, const float *bias, const float *scale_shift,
                         ck_activation activation, bool padded_output, float *y, long ldy) {
    group_norm g = {shape, x, ldx, weight, bias, scale_shift, activation, padded_output, y, ldy};
    ck_pool_for(pool, shape.images * shape.groups, normalise_group, &g);
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
