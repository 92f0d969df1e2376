#pragma STDC FP_CONTRACT OFF

#include "../Integers.h"
#include "../Scalars.h"
#include "Naive.h"

/// One block of one row or output.
typedef struct block {
    float scale;
    int16_t numbers[ck_block_inputs];
} block;

static block integers_of(const float *x, long stride, long count) {
    float largest = 0.0f;
    for (long i = 0; i < count; i++) {
        float size = ck_from_bits(ck_bits(x[i * stride]) & 0x7fffffff);
        if (size > largest) largest = size;
    }
    float inverse = largest > ck_least_magnitude ? ck_most_integer / largest : 0.0f;
    block b = {.scale = largest * (1.0f / ck_most_integer)};
    for (long i = 0; i < count; i++) {
        b.numbers[i] = (int16_t)ck_bits_between(CK_ROUNDER, ck_fma(x[i * stride], inverse, CK_ROUNDER));
    }
    return b;
}

float ck_naive_product(ck_precision precision, const float *a, long a_stride, const float *b, long b_stride,
                       long count, float sum) {
    if (precision == CK_EXACT) {
        for (long i = 0; i < count; i++) sum = ck_fma(a[i * a_stride], b[i * b_stride], sum);
        return sum;
    }
    for (long first = 0; first < count; first += ck_block_inputs) {
        long some = ck_min(ck_block_inputs, count - first);
        block left = integers_of(a + first * a_stride, a_stride, some);
        block right = integers_of(b + first * b_stride, b_stride, some);
        int32_t products = 0;
        for (long i = 0; i < some; i++) products += left.numbers[i] * right.numbers[i];
        sum = ck_fma((float)products, left.scale * right.scale, sum);
    }
    return sum;
}
