#pragma STDC FP_CONTRACT OFF

#include "Pack.h"

#include <stdlib.h>

#include "Weights.h"

typedef struct transform {
    ck_weights weight;
    long out_channels, in_channels;
    float *transformed;
} transform;

/// G·w·Gᵀ of one 3×3 filter, in f64.
static void transform_filter(const float weight[9], double transformed[36]) {
    static const double G[6][3] = {
        {1.0 / 4, 0, 0}, {-1.0 / 6, -1.0 / 6, -1.0 / 6}, {-1.0 / 6, 1.0 / 6, -1.0 / 6},
        {1.0 / 24, 1.0 / 12, 1.0 / 6}, {1.0 / 24, -1.0 / 12, 1.0 / 6}, {0, 0, 1},
    };
    double half[6][3];
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 3; j++) {
            half[i][j] = G[i][0] * weight[j] + G[i][1] * weight[3 + j] + G[i][2] * weight[6 + j];
        }
    }
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 6; j++) {
            double sum = half[i][0] * G[j][0] + half[i][1] * G[j][1] + half[i][2] * G[j][2];
            transformed[i * 6 + j] = sum;
        }
    }
}

/// A panel holds its 36 matrices one after another, each [in][width].
static void transform_panel(void *user, long panel) {
    const transform *t = user;
    long width = ck_width_of_panel(t->out_channels, panel), first = panel * ck_panel_width;
    float *out = t->transformed + 36 * panel * ck_panel_width * t->in_channels;
    for (long input = 0; input < t->in_channels; input++) {
        for (long lane = 0; lane < width; lane++) {
            long output = first + lane;
            float filter[9];
            double transformed[36] = {0};
            if (output < t->out_channels) {
                long start = (output * t->in_channels + input) * 9;
                for (int i = 0; i < 9; i++) filter[i] = ck_weight_at(t->weight, start + i);
                transform_filter(filter, transformed);
            }
            for (int i = 0; i < 36; i++) {
                out[(i * t->in_channels + input) * width + lane] = (float)transformed[i];
            }
        }
    }
}

float *ck_transform_filters(ck_pool *pool, ck_weights weight, long out_channels, long in_channels) {
    size_t count = (size_t)(36 * ck_packed_channels(out_channels) * in_channels);
    transform t = {weight, out_channels, in_channels, aligned_alloc(64, count * sizeof(float))};
    if (!t.transformed) __builtin_trap();
    ck_pool_for(pool, ck_panels(out_channels), transform_panel, &t);
    return t.transformed;
}
