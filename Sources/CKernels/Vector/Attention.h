// Attention, flash style: an item is a block of queries of one head; keys and values come in blocks of
// `ck_key_block`, packed into panels.

enum { query_block = 192 };

typedef struct attention {
    ck_attention_shape shape;
    const float *queries;
    ck_key_list keys;
    const float *mask;
    long mask_image_stride, mask_query_stride;
    float *output;
    long query_blocks;
    long value_width; // head size in whole half panels
    float *scratch;
    long thread_floats;
} attention;

/// An item's part of the scratch memory.
typedef struct attention_item {
    long image, head, first_query, queries;
    float *keys;    // [key panel][head_size][32]
    float *values;  // [value panel][key][width]
    float *scores;  // [query][ck_key_block]
    float *sums;    // [query][value_width]
    float peaks[query_block], totals[query_block];
} attention_item;

static long attention_floats(long head_size, long value_width) {
    return ck_key_block * ck_line_floats(head_size) + ck_key_block * value_width + query_block * ck_key_block
        + query_block * value_width;
}

static void pack_keys(const attention *t, const attention_item *m, long first, long count) {
    long d = t->shape.head_size, panel_floats = d * ck_panel_width;
    for (long i = 0; i < ck_ceil_div(count, ck_panel_width) * ck_panel_width; i++) {
        float *out = m->keys + i / ck_panel_width * panel_floats + i % ck_panel_width;
        if (i < count) {
            const float *key = ck_key_at(&t->keys, m->image, m->head * d, first + i);
            for (long c = 0; c < d; c++) out[c * ck_panel_width] = key[c];
        } else {
            for (long c = 0; c < d; c++) out[c * ck_panel_width] = 0.0f;
        }
    }
}

static void pack_values(const attention *t, const attention_item *m, long first, long count) {
    long d = t->shape.head_size;
    for (long i = 0; i < count; i++) {
        const float *value = ck_value_at(&t->keys, m->image, m->head * d, first + i);
        for (long c = 0; c < d; c += 16) {
            long panel = c / ck_panel_width, width = ck_width_of_panel(d, panel);
            float *out = m->values + panel * ck_panel_width * count + i * width + c % ck_panel_width;
            store16(out, load_up_to(value + c, d - c));
        }
    }
}

/// One query's scores of a key block become weights; its sums so far are scaled to the new maximum.
static void soften_row(const attention *t, attention_item *m, long row, long first, long count) {
    float *scores = m->scores + row * ck_key_block, *sums = m->sums + row * t->value_width;
    const float *mask = t->mask;
    if (mask) mask += m->image * t->mask_image_stride + (m->first_query + row) * t->mask_query_stride + first;
    const i16 lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    v16 peaks = splat(m->peaks[row]), total = splat(0.0f);
    for (long i = 0; i < count; i += 16) {
        v16 score = load16(scores + i) * t->shape.scale;
        if (mask) score += load_up_to(mask + i, count - i);
        if (count - i < 16) score = choose(lanes < (int32_t)(count - i), score, splat(-__builtin_inff()));
        store16(scores + i, score);
        peaks = choose(score > peaks, score, peaks);
    }
    float peak = max16(peaks), correction = ck_exp32(m->peaks[row] - peak);
    for (long i = 0; i < count; i += 16) {
        v16 weight = exp16(load16(scores + i) - peak);
        store16(scores + i, weight);
        total += weight;
    }
    m->peaks[row] = peak;
    m->totals[row] = m->totals[row] * correction + sum16(total);
    for (long c = 0; c < t->value_width; c += 16) store16(sums + c, load16(sums + c) * correction);
}

static void attend_block(const attention *t, attention_item *m, long first) {
    ck_attention_shape s = t->shape;
    long count = ck_min(ck_key_block, t->keys.count - first), d = s.head_size;
    pack_keys(t, m, first, count);
    pack_values(t, m, first, count);
    const float *queries = t->queries + m->image * s.query_image_stride + m->first_query * s.query_stride
        + m->head * d;
    tile_sum score_sum = {queries, s.query_stride, single_tap, 1, d, queries, m->keys};
    for (long key = 0; key < count; key += ck_panel_width) {
        multiply_rows(m->queries, score_sum, m->keys + key * d, ck_panel_width, false, m->scores + key,
                      ck_key_block);
    }
    for (long row = 0; row < m->queries; row++) soften_row(t, m, row, first, count);
    tile_sum value_sum = {m->scores, ck_key_block, single_tap, 1, count, m->scores, m->values};
    for (long panel = 0; panel < ck_panels(d); panel++) {
        multiply_rows(m->queries, value_sum, m->values + panel * ck_panel_width * count,
                      ck_width_of_panel(d, panel), true, m->sums + panel * ck_panel_width, t->value_width);
    }
}

static void attention_body(void *user, long item, int thread) {
    const attention *t = user;
    ck_attention_shape s = t->shape;
    long block = item % t->query_blocks, head = item / t->query_blocks % s.heads;
    long first = s.queries * block / t->query_blocks, end = s.queries * (block + 1) / t->query_blocks;
    attention_item m;
    m.image = item / t->query_blocks / s.heads;
    m.head = head;
    m.first_query = first;
    m.queries = end - first;
    m.keys = t->scratch + thread * t->thread_floats;
    m.values = m.keys + ck_key_block * ck_line_floats(s.head_size);
    m.scores = m.values + ck_key_block * t->value_width;
    m.sums = m.scores + query_block * ck_key_block;
    for (long row = 0; row < m.queries; row++) {
        m.peaks[row] = ck_lowest_score;
        m.totals[row] = 0.0f;
    }
    __builtin_memset(m.sums, 0, (size_t)(m.queries * t->value_width) * sizeof(float));
    for (long key = 0; key < t->keys.count; key += ck_key_block) attend_block(t, &m, key);
    float *out = t->output + m.image * s.output_image_stride + first * s.output_stride + head * s.head_size;
    for (long row = 0; row < m.queries; row++) {
        for (long c = 0; c < s.head_size; c += 16) {
            v16 sum = load16(m.sums + row * t->value_width + c);
            store_up_to(out + row * s.output_stride + c, sum / m.totals[row], s.head_size - c);
        }
    }
}

static void vector_attention(ck_pool *pool, ck_attention_shape shape, const float *queries,
                             const ck_kv_source *sources, int source_count, const float *mask,
                             long mask_image_stride, long mask_query_stride, float *output) {
    attention t = {
        .shape = shape, .queries = queries, .keys = ck_make_key_list(sources, source_count), .mask = mask,
        .mask_image_stride = mask_image_stride, .mask_query_stride = mask_query_stride, .output = output,
        .query_blocks = ck_ceil_div(shape.queries, query_block),
        .value_width = ck_packed_channels(shape.head_size),
    };
    t.thread_floats = ck_line_floats(attention_floats(shape.head_size, t.value_width));
    t.scratch = ck_pool_scratch(pool, (size_t)(ck_pool_threads(pool) * t.thread_floats));
    ck_pool_items(pool, shape.images * shape.heads * t.query_blocks, attention_body, &t);
}
