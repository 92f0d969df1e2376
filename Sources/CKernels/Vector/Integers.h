// Rows and panels in fast mode's numbers (see `../Integers.h`).

typedef uint16_t u16x16 __attribute__((ext_vector_type(16)));

CK_INLINE v16 size16(v16 x) {
    return from_bits16(bits16(x) & 0x7fffffff);
}

CK_INLINE v16 larger16(v16 a, v16 b) {
    return choose(b > a, b, a);
}

CK_INLINE float largest_lane(v16 v) {
    v8 eight = __builtin_elementwise_max(v.lo, v.hi);
    v4 four = __builtin_elementwise_max(eight.lo, eight.hi);
    float a = four[0] > four[1] ? four[0] : four[1], b = four[2] > four[3] ? four[2] : four[3];
    return a > b ? a : b;
}

/// Integers in the low halves of the lanes; the high halves are of no meaning.
CK_INLINE i16 integers16(v16 x, v16 inverse) {
    return bits16(fma16(x, inverse, splat(CK_ROUNDER)));
}

CK_INLINE v16 inverse_scale16(v16 largest) {
    return choose(largest > ck_least_magnitude, splat(ck_most_integer) / largest, splat(0.0f));
}

/// A block of a row; `count` of its inputs exist.
CK_INLINE void pack_row_block(const float *x, const long count, float *words) {
    v16 numbers[ck_block_inputs / 16], largest = splat(0.0f);
    long lanes = ck_ceil_div(count, 16);
    for (long i = 0; i < lanes; i++) {
        numbers[i] = load_up_to(x + i * 16, count - i * 16);
        largest = larger16(largest, size16(numbers[i]));
    }
    float most = largest_lane(largest);
    words[0] = most * (1.0f / ck_most_integer);
    v16 inverse = splat(most > ck_least_magnitude ? ck_most_integer / most : 0.0f);
    for (long i = 0; i < lanes; i++) {
        u16x16 halves = __builtin_convertvector(integers16(numbers[i], inverse), u16x16);
        __builtin_memcpy(words + 1 + i * 8, &halves, count - i * 16 > 8 ? sizeof halves : sizeof halves / 2);
    }
}

/// A row of any length.
CK_INLINE void pack_row(const float *x, long inputs, float *words) {
    for (; inputs >= ck_block_inputs; inputs -= ck_block_inputs) {
        pack_row_block(x, ck_block_inputs, words);
        x += ck_block_inputs;
        words += ck_block_words;
    }
    if (inputs > 0) pack_row_block(x, inputs, words);
}

/// A block of sixteen outputs, from f32 rows `ld` floats apart, into a panel's column.
CK_INLINE void pack_column(const float *rows, long ld, long count, long width, float *column) {
    v16 largest = splat(0.0f);
    for (long k = 0; k < count; k++) largest = larger16(largest, size16(load16(rows + k * ld)));
    store16(column, largest * (1.0f / ck_most_integer));
    v16 inverse = inverse_scale16(largest);
    float *end = column + ck_words_of_block(count) * width;
    column += width;
    for (; count >= 2; count -= 2, rows += 2 * ld, column += width) {
        i16 first = integers16(load16(rows), inverse), second = integers16(load16(rows + ld), inverse);
        store16(column, from_bits16((first & 0xffff) | (second << 16)));
    }
    if (count == 1) {
        store16(column, from_bits16(integers16(load16(rows), inverse) & 0xffff));
        column += width;
    }
    for (; column < end; column += width) store16(column, splat(0.0f));
}

/// Brings `w`, of one tap, into a panel of `width` outputs.
static void load_integer_panel(const weight_block *w, long width, float *panel) {
    _Alignas(64) float staged[ck_block_inputs * ck_panel_width];
    for (long first = 0; first < w->inputs; first += ck_block_inputs) {
        weight_block block = *w;
        block.values += first * ck_type_size(w->type);
        block.inputs = block.tap_rows = ck_min(ck_block_inputs, w->inputs - first);
        load_panel(&block, width, staged);
        for (long half = 0; half < width; half += 16) {
            pack_column(staged + half, width, block.inputs, width, panel + half);
        }
        panel += ck_block_words * width;
    }
}
