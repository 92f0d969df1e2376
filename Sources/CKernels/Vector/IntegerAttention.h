// Attention in fast mode's numbers (see `../Integers.h`). An item is a block of queries of one head, as in
// `Attention.h`, but the queries are in the lanes: 32 of them are a panel, which the rows of keys pass by,
// and then, as weights, the rows of values, one a channel. So a softmax runs down the lanes.

enum { value_words = 1 + ck_key_block / 2 }; // of a channel's values in a block of keys

/// An item's part of the scratch memory.
typedef struct integer_item {
    long image, head, queries;
    float *packed; // [query panel][word][32]
    float *keys;   // [key][word]
    float *values; // [channel][value_words]
    float *sums;   // [query panel][value_width][32]
    float *peaks, *totals; // [query]
} integer_item;

static long integer_attention_floats(long queries, long head_size) {
    long words = ck_words(head_size), channels = ck_packed_channels(head_size);
    return queries * (words + channels + 2) + ck_line_floats(ck_key_block * words) + channels * value_words;
}

// MARK: Packing

/// The scales of the queries take those of the scores and of base two with them.
static void pack_query_panels(const attention *t, const integer_item *m, long first_query) {
    ck_attention_shape s = t->shape;
    long words = ck_words(s.head_size);
    const float *queries = t->queries + m->image * s.query_image_stride + m->head * s.head_size;
    for (long first = 0; first < m->queries; first += ck_panel_width) {
        weight_block w = {.values = (const char *)(queries + (first_query + first) * s.query_stride),
                          .type = CK_TYPE_F32, .outputs = m->queries - first, .inputs = s.head_size,
                          .output_stride = s.query_stride, .taps = 1};
        long width = ck_width_of_panel(m->queries, first / ck_panel_width);
        float *panel = m->packed + first * words;
        load_integer_panel(&w, width, panel);
        for (long word = 0; word < words; word += ck_block_words) {
            for (long i = 0; i < width; i += 16) {
                float *scales = panel + word * width + i;
                store16(scales, load16(scales) * (s.scale * ck_log2_e));
            }
        }
    }
}

/// The values of `count` keys, sixteen channels of them, into the channels' rows.
static void turn_values(const attention *t, const integer_item *m, long first, long count,
                        long channel, float *rows) {
    _Alignas(64) float numbers[ck_key_block * 16], pairs[16 * 16], scales[16];
    long offset = m->head * t->shape.head_size + channel;
    long channels = ck_min(16, t->shape.head_size - channel);
    for (long i = 0; i < count; i++) {
        store16(numbers + i * 16,
                load_up_to(ck_value_at(&t->keys, m->image, offset, first + i), channels));
    }
    for (long i = count; i < ck_key_block; i++) store16(numbers + i * 16, splat(0.0f));
    v16 scale = scales_of_columns(numbers, count), inverse = inverse_scale16(scale);
    store16(scales, scale);
    for (long c = 0; c < channels; c++) rows[c * value_words] = scales[c];
    for (long word = 0; word < ck_key_block / 2; word += 16) {
        for (long i = 0; i < 16; i++) {
            const float *pair = numbers + (word + i) * 32;
            i16 even = integers16(load16(pair), inverse), odd = integers16(load16(pair + 16), inverse);
            store16(pairs + i * 16, from_bits16(pair16(even, odd)));
        }
        for (long c = 0; c < channels; c += 4) {
            v16 turned[4];
            turn4((const char *)(pairs + c), CK_TYPE_F32, 16 * sizeof(float), turned);
            for (long i = 0; i < ck_min(4, channels - c); i++) {
                store16(rows + (c + i) * value_words + 1 + word, turned[i]);
            }
        }
    }
}

static void pack_integer_tokens(const attention *t, const integer_item *m, long first, long count) {
    long d = t->shape.head_size, words = ck_words(d);
    for (long i = 0; i < count; i++) {
        pack_row(ck_key_at(&t->keys, m->image, m->head * d, first + i), d, m->keys + i * words);
    }
    for (long c = 0; c < d; c += 16) turn_values(t, m, first, count, c, m->values + c * value_words);
}

// MARK: Softmax

/// Sixteen queries' maxima with those of `count` scores, a row of 32 a key, which get their mask.
CK_INLINE v16 raise_peaks(const float *mask, long count, float *scores, v16 peak) {
    v16 peaks[4] = {peak, peak, peak, peak};
    for (long key = 0; key < count; key++) {
        float *row = scores + key * ck_panel_width;
        v16 score = load16(row);
        if (mask) {
            score = fma16(splat(mask[key]), splat(ck_log2_e), score);
            store16(row, score);
        }
        peaks[key % 4] = larger16(peaks[key % 4], score);
    }
    return larger16(larger16(peaks[0], peaks[1]), larger16(peaks[2], peaks[3]));
}

/// Weights of sixteen queries for `count` keys, as a block of a panel of `width` queries. Returns their sums.
CK_INLINE i16 weigh_keys(const float *scores, long count, v16 peak, long width, float *block) {
    i16 total = {0};
    store16(block, splat(1.0f));
    float *end = block + ck_words_of_block(count) * width;
    block += width;
    for (; count >= 2; count -= 2, scores += 2 * ck_panel_width, block += width) {
        i16 even = share16(load16(scores) - peak), odd = share16(load16(scores + ck_panel_width) - peak);
        store16(block, from_bits16(even | (odd << 16)));
        total += even + odd;
    }
    if (count == 1) {
        i16 even = share16(load16(scores) - peak);
        store16(block, from_bits16(even));
        total += even;
        block += width;
    }
    for (; block < end; block += width) store16(block, splat(0.0f));
    return total;
}

/// The scores of sixteen queries become weights; what they have so far is scaled to the new maxima.
CK_INLINE void soften_lanes(const float *mask, const long count, float *scores, long channels, float *sums,
                            float *peaks, float *totals, long width, float *weights) {
    v16 old = load16(peaks), peak = raise_peaks(mask, count, scores, old);
    i16 total = weigh_keys(scores, count, peak, width, weights);
    v16 correction = exp16((old - peak) * ck_ln_2);
    store16(peaks, peak);
    store16(totals, fma16(load16(totals), correction, __builtin_convertvector(total, v16)));
    if (__builtin_reduce_and(old == peak)) return;
    for (long c = 0; c < channels; c++) {
        float *row = sums + c * ck_panel_width;
        store16(row, load16(row) * correction);
    }
}

// MARK: Items

/// A panel of queries over the `count` packed keys and values from `first` on.
static void attend_panel(const attention *t, const integer_item *m, long panel, long first,
                         long count) {
    _Alignas(64) float scores[ck_key_block * ck_panel_width], weights[value_words * ck_panel_width];
    long d = t->shape.head_size, words = ck_words(d);
    long query = panel * ck_panel_width, width = ck_width_of_panel(m->queries, panel);
    tile_sum score_sum = {.a = m->keys, .lda = words, .taps = single_tap, .tap_count = 1, .k = words,
                          .integers = true};
    multiply_rows(count, score_sum, m->packed + query * words, width, scores, ck_panel_width);
    const float *mask = t->mask ? t->mask + m->image * t->mask_image_stride + first : 0;
    float *sums = m->sums + query * t->value_width;
    for (long lane = 0; lane < width; lane += 16) {
        float *peaks = m->peaks + query + lane, *totals = m->totals + query + lane;
        if (count == ck_key_block && !mask) { // almost always: loops of known length
            soften_lanes(0, ck_key_block, scores + lane, d, sums + lane, peaks, totals, width,
                         weights + lane);
        } else {
            soften_lanes(mask, count, scores + lane, d, sums + lane, peaks, totals, width, weights + lane);
        }
    }
    tile_sum value_sum = {.a = m->values, .lda = value_words, .taps = single_tap, .tap_count = 1,
                          .k = ck_words_of_block(count), .integers = true, .add = true};
    multiply_rows(d, value_sum, weights, width, sums, ck_panel_width);
}

/// A panel's sums, divided, as rows of the output from `out` on.
static void write_panel(const attention *t, const integer_item *m, long panel, float *out) {
    ck_attention_shape s = t->shape;
    long query = panel * ck_panel_width, rows = ck_min(ck_panel_width, m->queries - query);
    const float *sums = m->sums + query * t->value_width;
    for (long c = 0; c < s.head_size; c += 16, sums += 16 * ck_panel_width) {
        for (long r = 0; r < rows; r += 4) {
            v16 turned[4];
            turn4((const char *)(sums + r), CK_TYPE_F32, ck_panel_width * sizeof(float), turned);
            for (long i = r; i < ck_min(r + 4, rows); i++) {
                v16 mean = turned[i - r] / m->totals[query + i];
                store_up_to(out + i * s.output_stride + c, mean, s.head_size - c);
            }
        }
    }
}

static void integer_attention_body(void *user, long item, int thread) {
    const attention *t = user;
    ck_attention_shape s = t->shape;
    long first = item % t->query_blocks * t->block_queries, words = ck_words(s.head_size);
    integer_item m = {.image = item / t->query_blocks / s.heads, .head = item / t->query_blocks % s.heads,
                      .queries = ck_min(t->block_queries, s.queries - first)};
    m.packed = t->scratch + thread * t->thread_floats;
    m.keys = m.packed + t->block_queries * words;
    m.values = m.keys + ck_line_floats(ck_key_block * words);
    m.sums = m.values + t->value_width * value_words;
    m.peaks = m.sums + t->block_queries * t->value_width;
    m.totals = m.peaks + t->block_queries;
    for (long i = 0; i < t->block_queries; i++) m.peaks[i] = ck_lowest_score;
    __builtin_memset(m.totals, 0, (size_t)t->block_queries * sizeof(float));
    __builtin_memset(m.sums, 0, (size_t)(t->block_queries * t->value_width) * sizeof(float));
    pack_query_panels(t, &m, first);
    long panels = ck_panels(m.queries), tokens = ck_ceil_div(ck_key_block, panels);
    for (long key = 0; key < t->keys.count; key += ck_key_block) {
        long count = ck_min(ck_key_block, t->keys.count - key), next = key + ck_key_block;
        pack_integer_tokens(t, &m, key, count);
        for (long panel = 0; panel < panels; panel++, next += tokens) {
            fetch_tokens(&t->keys, m.image, m.head * s.head_size, s.head_size, next, tokens);
            attend_panel(t, &m, panel, key, count);
        }
    }
    float *out = t->output + m.image * s.output_image_stride + first * s.output_stride + m.head * s.head_size;
    for (long panel = 0; panel < panels; panel++, out += ck_panel_width * s.output_stride) {
        write_panel(t, &m, panel, out);
    }
}
