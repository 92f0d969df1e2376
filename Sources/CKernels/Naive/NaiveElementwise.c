#pragma STDC FP_CONTRACT OFF

#include "../Scalars.h"
#include "../Shared.h"
#include "Naive.h"

enum { block = 4096 };

typedef struct activation_work {
    ck_activation activation;
    const float *x;
    float *y;
    long count;
} activation_work;

static void activate_block(void *user, long item) {
    const activation_work *w = user;
    for (long i = item * block; i < ck_min(w->count, (item + 1) * block); i++) {
        w->y[i] = ck_activate32(w->activation, w->x[i]);
    }
}

void ck_naive_activate(ck_pool *pool, ck_activation activation, const float *x, float *y, size_t count) {
    activation_work w = {activation, x, y, (long)count};
    ck_pool_for(pool, ck_ceil_div(w.count, block), activate_block, &w);
}

/// 1 − x keeps the logarithm's argument above zero.
static void box_muller_block(void *user, long item) {
    float *x = (float *)user + item * 16;
    for (int j = 0; j < 8; j++) {
        float radius = __builtin_sqrtf(-2.0f * ck_log32(1.0f - x[j])), sine, cosine;
        ck_sincos32(6.28318531f * x[j + 8], &sine, &cosine);
        x[j] = radius * cosine;
        x[j + 8] = radius * sine;
    }
}

void ck_naive_box_muller16(ck_pool *pool, float *x, size_t count) {
    ck_pool_for(pool, (long)count / 16, box_muller_block, x);
}
