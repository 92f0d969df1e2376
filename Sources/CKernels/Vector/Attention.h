// Attention, flash style: an item is a block of queries of one head; keys and values come in blocks of
// `ck_key_block`, packed into panels, and a group of queries after the other passes by them.

enum {
    most_queries = 1792,          // an item's, …
    attention_budget = 144 << 10, // … and the floats of them and their sums: half of the second-level cache
    group_queries = 16 / TILE_ROWS * TILE_ROWS, // whole tiles; a vector has a lane for each query
    most_groups = most_queries / group_queries + 1,
};

typedef struct attention {
    ck_attention_shape shape;
    const float *queries;
    ck_key_list keys;
    const float *mask;
    long mask_image_stride, mask_query_stride;
    float *output;
    long block_queries, query_blocks; // an item's queries, items a head
    long value_width; // head size in whole half panels
    float *scratch;
    long thread_floats;
} attention;

/// An item's part of the scratch memory.
typedef struct attention_item {
    long image, head, first_query, queries, groups;
    float *packed;  // [query][head_size]: the queries without the gaps between tokens
    float *keys;    // [key panel][head_size][32]
    float *values;  // [value panel][key][width]
    float *sums;    // [query][value_width]
    float peaks[most_groups][16], totals[most_groups][16]; // of a group's queries
} attention_item;

static long attention_floats(long queries, long head_size) {
    long width = ck_line_floats(head_size) + ck_packed_channels(head_size);
    return (ck_key_block + queries) * width;
}

/// Of group `group`, whose first row is `row`: groups are as equal as they can be.
CK_INLINE long rows_of_group(const attention_item *m, long group, long row) {
    return (m->queries - row) / (m->groups - group);
}

/// Queries of an item: whole groups of `group`, as equal as they can be; at best no more than `most`.
static long queries_of_item(long queries, long head_size, long most, long group) {
    most = ck_min(most, ck_min(most_queries, attention_budget / (2 * head_size)));
    long share = ck_ceil_div(queries, ck_ceil_div(queries, most < 64 ? 64 : most));
    return ck_min(most_queries, ck_ceil_div(share, group) * group);
}

// MARK: Packing

static void pack_queries(const attention *t, const attention_item *m) {
    ck_attention_shape s = t->shape;
    const float *query = t->queries + m->image * s.query_image_stride + m->first_query * s.query_stride
        + m->head * s.head_size;
    for (long i = 0; i < m->queries; i++, query += s.query_stride) {
        float *out = m->packed + i * s.head_size;
        for (long c = 0; c < s.head_size; c += 16) {
            store_up_to(out + c, load_up_to(query + c, s.head_size - c), s.head_size - c);
        }
    }
}

/// A panel of keys may go on in the next source.
static void pack_keys(const attention *t, const attention_item *m, long first, long count) {
    long d = t->shape.head_size;
    for (long start = 0; start < count; start += ck_panel_width) {
        float *panel = m->keys + start * d;
        long keys = ck_min(ck_panel_width, count - start), offset;
        const ck_kv_source *source = ck_source_of(&t->keys, m->image, first + start, &offset);
        const float *key = source->keys + offset + m->head * d;
        if (ck_key_at(&t->keys, m->image, m->head * d, first + start + keys - 1)
            == key + (keys - 1) * source->stride) {
            weight_block w = {.values = (const char *)key, .type = CK_TYPE_F32, .outputs = keys, .inputs = d,
                              .output_stride = source->stride, .taps = 1, .tap_rows = d};
            load_panel(&w, ck_panel_width, panel);
            continue;
        }
        __builtin_memset(panel, 0, (size_t)(ck_panel_width * d) * sizeof(float));
        for (long i = 0; i < keys; i++) {
            key = ck_key_at(&t->keys, m->image, m->head * d, first + start + i);
            for (long c = 0; c < d; c++) panel[c * ck_panel_width + i] = key[c];
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

/// Brings the keys and values of `count` tokens nearer, a head's from `channel` on; the next block's are
/// fetched a few at a time while this one's scores are softened.
static void fetch_tokens(const ck_key_list *keys, long image, long channel, long head_size, long token,
                         long count) {
    for (long end = ck_min(keys->count, token + count); token < end; token++) {
        long offset;
        const ck_kv_source *source = ck_source_of(keys, image, token, &offset);
        const float *key = source->keys + offset + channel, *value = source->values + offset + channel;
        for (long c = 0; c < head_size; c += 16) {
            __builtin_prefetch(key + c, 0, 2);
            __builtin_prefetch(value + c, 0, 2);
        }
    }
}

// MARK: Softmax, sixteen queries at a time

/// Lane r of the result is the tree sum (or the maximum) of row r's lanes, by turning the rows.
CK_INLINE v16 reduce_rows(const float *rows, const bool maximum) {
    v16 lanes[16];
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i += 4) {
        turn4((const char *)(rows + i), CK_TYPE_F32, 16 * sizeof(float), lanes + i);
    }
#pragma clang loop unroll(full)
    for (int half = 8; half > 0; half /= 2) {
#pragma clang loop unroll(full)
        for (int i = 0; i < half; i++) {
            v16 a = lanes[i], b = lanes[i + half];
            lanes[i] = maximum ? choose(b > a, b, a) : a + b;
        }
    }
    return lanes[0];
}

/// Scales and masks one query's scores; returns the lanes' maxima.
CK_INLINE v16 scale_row(const attention *t, const float *mask, long count, float *scores) {
    const i16 lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    v16 peaks = splat(ck_lowest_score);
    for (long i = 0; i < count; i += 16) {
        v16 score = load16(scores + i) * t->shape.scale;
        if (mask) score += load_up_to(mask + i, count - i);
        if (count - i < 16) score = choose(lanes < (int32_t)(count - i), score, splat(-__builtin_inff()));
        store16(scores + i, score);
        peaks = choose(score > peaks, score, peaks);
    }
    return peaks;
}

/// The scores [row][ck_key_block] of a group's `rows` queries from `first_row` on become weights; their sums
/// so far are scaled to the new maxima.
CK_INLINE void soften_group(const attention *t, attention_item *m, long group, long first_row, long rows,
                           float *scores, long first, const long count, const bool masked) {
    _Alignas(64) float lanes[16 * 16], corrections[16], peaks[16];
    for (long r = 0; r < rows; r++) {
        long query = m->first_query + first_row + r;
        const float *mask =
            masked ? t->mask + m->image * t->mask_image_stride + query * t->mask_query_stride + first : 0;
        store16(lanes + r * 16, scale_row(t, mask, count, scores + r * ck_key_block));
    }
    for (long r = rows; r < 16; r++) store16(lanes + r * 16, splat(0.0f));
    v16 old = load16(m->peaks[group]), peak = reduce_rows(lanes, true);
    peak = choose(peak > old, peak, old);
    v16 correction = exp16(old - peak);
    store16(m->peaks[group], peak);
    store16(peaks, peak);
    store16(corrections, correction);
    float *sums = m->sums + first_row * t->value_width;
    for (long r = 0; r < rows; r++, scores += ck_key_block, sums += t->value_width) {
        v16 total = splat(0.0f);
        for (long i = 0; i < count; i += 16) {
            v16 weight = exp16(load16(scores + i) - peaks[r]);
            store16(scores + i, weight);
            total += weight;
        }
        store16(lanes + r * 16, total);
        for (long c = 0; c < t->value_width; c += 16) store16(sums + c, load16(sums + c) * corrections[r]);
    }
    store16(m->totals[group], load16(m->totals[group]) * correction + reduce_rows(lanes, false));
}

// MARK: Items

/// A group of queries over the `count` packed keys and values from `first` on.
static void attend_group(const attention *t, attention_item *m, long group, long row, long rows, long first,
                        long count) {
    _Alignas(64) float scores[group_queries * ck_key_block];
    long d = t->shape.head_size;
    tile_sum score_sum = {.a = m->packed + row * d, .lda = d, .taps = single_tap, .tap_count = 1, .k = d};
    for (long key = 0; key < count; key += ck_panel_width) {
        multiply_rows(rows, score_sum, m->keys + key * d, ck_panel_width, scores + key, ck_key_block);
    }
    if (count == ck_key_block && !t->mask) { // almost always: loops of known length
        soften_group(t, m, group, row, rows, scores, first, ck_key_block, false);
    } else {
        soften_group(t, m, group, row, rows, scores, first, count, t->mask != 0);
    }
    tile_sum value_sum = {
        .a = scores, .lda = ck_key_block, .taps = single_tap, .tap_count = 1, .k = count, .add = true};
    float *sums = m->sums + row * t->value_width;
    for (long panel = 0; panel < ck_panels(d); panel++) {
        multiply_rows(rows, value_sum, m->values + panel * ck_panel_width * count,
                      ck_width_of_panel(d, panel), sums + panel * ck_panel_width, t->value_width);
    }
}

static void attend_block(const attention *t, attention_item *m, long first) {
    long count = ck_min(ck_key_block, t->keys.count - first), d = t->shape.head_size;
    pack_keys(t, m, first, count);
    pack_values(t, m, first, count);
    long tokens = ck_ceil_div(ck_key_block, m->groups), next = first + ck_key_block;
    for (long group = 0, row = 0; group < m->groups; group++, next += tokens) {
        long rows = rows_of_group(m, group, row);
        fetch_tokens(&t->keys, m->image, m->head * d, d, next, tokens);
        attend_group(t, m, group, row, rows, first, count);
        row += rows;
    }
}

static void attention_body(void *user, long item, int thread) {
    const attention *t = user;
    ck_attention_shape s = t->shape;
    long block = item % t->query_blocks, head = item / t->query_blocks % s.heads;
    long first = block * t->block_queries, end = ck_min(s.queries, first + t->block_queries);
    attention_item m;
    m.image = item / t->query_blocks / s.heads;
    m.head = head;
    m.first_query = first;
    m.queries = end - first;
    m.groups = ck_ceil_div(m.queries, group_queries);
    m.packed = t->scratch + thread * t->thread_floats;
    m.keys = m.packed + t->block_queries * ck_line_floats(s.head_size);
    m.values = m.keys + ck_key_block * ck_line_floats(s.head_size);
    m.sums = m.values + ck_key_block * t->value_width;
    for (long group = 0; group < m.groups; group++) {
        store16(m.peaks[group], splat(ck_lowest_score));
        store16(m.totals[group], splat(0.0f));
    }
    pack_queries(t, &m);
    __builtin_memset(m.sums, 0, (size_t)(m.queries * t->value_width) * sizeof(float));
    for (long key = 0; key < t->keys.count; key += ck_key_block) attend_block(t, &m, key);
    float *out = t->output + m.image * s.output_image_stride + first * s.output_stride + head * s.head_size;
    const float *sums = m.sums;
    for (long group = 0, row = 0; group < m.groups; group++) {
        long rows = rows_of_group(&m, group, row);
        for (long r = 0; r < rows; r++, sums += t->value_width, out += s.output_stride) {
            for (long c = 0; c < s.head_size; c += 16) {
                store_up_to(out + c, load16(sums + c) / m.totals[group][r], s.head_size - c);
            }
        }
        row += rows;
    }
}

// Of `IntegerAttention.h`.
static long integer_attention_floats(long queries, long head_size);
static void integer_attention_body(void *user, long item, int thread);

static void vector_attention(ck_pool *pool, ck_precision precision, ck_attention_shape shape,
                             const float *queries, const ck_kv_source *sources, int source_count,
                             const float *mask, long mask_image_stride, long mask_query_stride,
                             float *output) {
    attention t = {
        .shape = shape, .queries = queries, .keys = ck_make_key_list(sources, source_count), .mask = mask,
        .mask_image_stride = mask_image_stride, .mask_query_stride = mask_query_stride, .output = output,
        .value_width = ck_packed_channels(shape.head_size),
    };
    bool integers = precision == CK_FAST;
    long all = shape.images * shape.heads * shape.queries;
    t.block_queries = queries_of_item(shape.queries, shape.head_size, all / (4 * ck_pool_threads(pool)),
                                      integers ? ck_panel_width : group_queries);
    t.query_blocks = ck_ceil_div(shape.queries, t.block_queries);
    t.thread_floats = ck_line_floats(integers ? integer_attention_floats(t.block_queries, shape.head_size)
                                              : attention_floats(t.block_queries, shape.head_size));
    t.scratch = ck_pool_scratch(pool, (size_t)(ck_pool_threads(pool) * t.thread_floats));
    ck_pool_items(pool, shape.images * shape.heads * t.query_blocks,
                  integers ? integer_attention_body : attention_body, &t);
}
