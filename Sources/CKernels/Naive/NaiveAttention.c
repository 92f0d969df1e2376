#pragma STDC FP_CONTRACT OFF

#include "../Pack.h"
#include "../Scalars.h"
#include "../Shared.h"
#include "Naive.h"

typedef struct attention {
    ck_precision precision;
    ck_attention_shape shape;
    const float *queries;
    ck_key_list keys;
    const float *mask;
    long mask_image_stride, mask_query_stride;
    float *output;
} attention;

/// Online softmax (Milakov & Gimelshein 2018, arXiv 1805.02867) over blocks of `ck_key_block` keys, then
/// division.
static void attend(const attention *t, long image, long head, long query, float *sums) {
    ck_attention_shape s = t->shape;
    const float *q = t->queries + image * s.query_image_stride + query * s.query_stride + head * s.head_size;
    const float *mask = t->mask;
    if (mask) mask += image * t->mask_image_stride + query * t->mask_query_stride;
    float peak = ck_lowest_score, total = 0.0f;
    for (long d = 0; d < s.head_size; d++) sums[d] = 0.0f;
    for (long first = 0; first < t->keys.count; first += ck_key_block) {
        long count = ck_min(ck_key_block, t->keys.count - first);
        float scores[ck_key_block], lanes[16] = {0}, new_peak = peak;
        for (long i = 0; i < count; i++) {
            const float *key = ck_key_at(&t->keys, image, head * s.head_size, first + i);
            float dot = 0.0f;
            for (long d = 0; d < s.head_size; d++) dot = ck_fma(q[d], key[d], dot);
            scores[i] = dot * s.scale;
            if (mask) scores[i] += mask[first + i];
            new_peak = scores[i] > new_peak ? scores[i] : new_peak;
        }
        float correction = ck_exp32(peak - new_peak);
        peak = new_peak;
        for (long i = 0; i < count; i++) {
            scores[i] = ck_exp32(scores[i] - peak);
            lanes[i % 16] += scores[i];
        }
        total = total * correction + ck_sum_lanes(lanes);
        for (long d = 0; d < s.head_size; d++) sums[d] *= correction;
        for (long i = 0; i < count; i++) {
            const float *value = ck_value_at(&t->keys, image, head * s.head_size, first + i);
            for (long d = 0; d < s.head_size; d++) sums[d] = ck_fma(scores[i], value[d], sums[d]);
        }
    }
    float *out = t->output + image * s.output_image_stride + query * s.output_stride + head * s.head_size;
    for (long d = 0; d < s.head_size; d++) out[d] = sums[d] / total;
}

/// A score in powers of two, in fast mode's numbers.
static float integer_score(const attention *t, const float *q, const float *key) {
    float score = 0.0f;
    for (long first = 0; first < t->shape.head_size; first += ck_block_inputs) {
        long some = ck_min(ck_block_inputs, t->shape.head_size - first);
        ck_naive_block row = ck_naive_integers(key + first, 1, some, ck_sums_of_row);
        ck_naive_block output = ck_naive_integers(q + first, 1, some, ck_sums_of_output);
        output.scale *= t->shape.scale * ck_log2_e;
        score = ck_naive_block_product(&row, &output, some, score);
    }
    return score;
}

/// The same as `attend` in fast mode's numbers: weights are whole 4095ths of the largest.
static void attend_integers(const attention *t, long image, long head, long query, float *sums) {
    ck_attention_shape s = t->shape;
    const float *q = t->queries + image * s.query_image_stride + query * s.query_stride + head * s.head_size;
    const float *mask = t->mask ? t->mask + image * t->mask_image_stride : 0;
    float peak = ck_lowest_score, total = 0.0f;
    for (long d = 0; d < s.head_size; d++) sums[d] = 0.0f;
    for (long first = 0; first < t->keys.count; first += ck_key_block) {
        long count = ck_min(ck_key_block, t->keys.count - first);
        float scores[ck_key_block], new_peak = peak;
        for (long i = 0; i < count; i++) {
            scores[i] = integer_score(t, q, ck_key_at(&t->keys, image, head * s.head_size, first + i));
            if (mask) scores[i] = ck_fma(mask[first + i], ck_log2_e, scores[i]);
            new_peak = scores[i] > new_peak ? scores[i] : new_peak;
        }
        float correction = ck_exp32((peak - new_peak) * ck_ln_2);
        peak = new_peak;
        for (long d = 0; d < s.head_size; d++) sums[d] *= correction;
        int32_t shares = 0;
        ck_naive_block weights = {.scale = 1.0f};
        for (long i = 0; i < count; i++) {
            weights.numbers[i] = (int16_t)ck_share32(scores[i] - peak);
            shares += weights.numbers[i];
        }
        for (long d = 0; d < s.head_size; d++) {
            float values[ck_key_block];
            for (long i = 0; i < count; i++) {
                values[i] = *ck_value_at(&t->keys, image, head * s.head_size + d, first + i);
            }
            ck_naive_block channel = ck_naive_integers(values, 1, count, ck_sums_of_output);
            sums[d] = ck_naive_block_product(&channel, &weights, count, sums[d]);
        }
        total = ck_fma(total, correction, (float)shares);
    }
    float *out = t->output + image * s.output_image_stride + query * s.output_stride + head * s.head_size;
    for (long d = 0; d < s.head_size; d++) out[d] = sums[d] / total;
}

static void attend_query(void *user, long item) {
    const attention *t = user;
    float *sums = ck_naive_memory(t->shape.head_size);
    for (long head = 0; head < t->shape.heads; head++) {
        long image = item / t->shape.queries, query = item % t->shape.queries;
        (t->precision == CK_FAST ? attend_integers : attend)(t, image, head, query, sums);
    }
    free(sums);
}

void ck_naive_attention(ck_pool *pool, ck_precision precision, ck_attention_shape shape, const float *queries,
                        const ck_kv_source *sources, int source_count, const float *mask,
                        long mask_image_stride, long mask_query_stride, float *output) {
    ck_key_list keys = ck_make_key_list(sources, source_count);
    attention t = {precision, shape, queries, keys, mask, mask_image_stride, mask_query_stride, output};
    ck_pool_for(pool, shape.images * shape.queries, attend_query, &t);
}
