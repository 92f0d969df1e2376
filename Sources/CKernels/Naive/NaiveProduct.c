#pragma STDC FP_CONTRACT OFF

#include "../Scalars.h"
#include "Naive.h"

ck_naive_block ck_naive_integers(const float *x, long stride, long count, int sums) {
    float largest = 0.0f, squares[ck_sums_of_row] = {0};
    for (long i = 0; i < count; i++) {
        float number = x[i * stride], size = ck_from_bits(ck_bits(number) & 0x7fffffff);
        if (size > largest) largest = size;
        squares[i % sums] = ck_fma(number, number, squares[i % sums]);
    }
    for (int half = sums / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; i++) squares[i] += squares[i + half];
    }
    ck_naive_block b = {.scale = ck_scale_of_block(squares[0], largest)};
    float inverse = ck_inverse_scale(b.scale);
    for (long i = 0; i < count; i++) {
        b.numbers[i] = (int16_t)ck_bits_between(CK_ROUNDER, ck_fma(x[i * stride], inverse, CK_ROUNDER));
    }
    return b;
}

float ck_naive_block_product(const ck_naive_block *left, const ck_naive_block *right, long count, float sum) {
    uint32_t products = 0;
    for (long i = 0; i < count; i++) products += (uint32_t)(left->numbers[i] * right->numbers[i]);
    return ck_fma((float)(int32_t)products, left->scale * right->scale, sum);
}

float ck_naive_product(ck_precision precision, const float *a, long a_stride, const float *b, long b_stride,
                       long count, float sum) {
    if (precision == CK_EXACT) {
        for (long i = 0; i < count; i++) sum = ck_fma(a[i * a_stride], b[i * b_stride], sum);
        return sum;
    }
    for (long first = 0; first < count; first += ck_block_inputs) {
        long some = ck_min(ck_block_inputs, count - first);
        ck_naive_block left = ck_naive_integers(a + first * a_stride, a_stride, some, ck_sums_of_row);
        ck_naive_block right = ck_naive_integers(b + first * b_stride, b_stride, some, ck_sums_of_output);
        sum = ck_naive_block_product(&left, &right, some, sum);
    }
    return sum;
}
