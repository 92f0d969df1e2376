// Rows and panels in fast mode's numbers (see `../Integers.h`).

typedef uint16_t u16x32 __attribute__((ext_vector_type(32)));

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

/// The low halves of two vectors' lanes as pairs.
CK_INLINE i16 pair16(i16 first, i16 second) {
    return (first & 0xffff) | (second << 16);
}

CK_INLINE v16 scale16(v16 squares, v16 largest) {
    v16 by_length = __builtin_elementwise_sqrt(squares) * (1.0f / ck_most_length);
    v16 by_size = largest * (1.0f / ck_most_integer);
    return choose(by_length > by_size, by_length, by_size);
}

CK_INLINE v16 inverse_scale16(v16 scale) {
    return choose(scale > ck_least_scale, 1.0f / scale, splat(0.0f));
}

/// The low halves of thirty-two lanes, in order.
CK_INLINE u16x32 low_halves(i16 a, i16 b) {
    u16x32 first = (u16x32)a, second = (u16x32)b;
    return __builtin_shufflevector(first, second, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30,
                                   32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 62);
}

/// The scale of a block of a row. Squares are added in four vectors.
CK_INLINE float scale_of_row(const float *x, long count) {
    v16 squares[4] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)};
    v16 largest[2] = {splat(0.0f), splat(0.0f)};
    for (; count >= 64; count -= 64, x += 64) {
#pragma clang loop unroll(full)
        for (int i = 0; i < 4; i++) {
            v16 numbers = load16(x + i * 16);
            squares[i] = fma16(numbers, numbers, squares[i]);
            largest[i % 2] = larger16(largest[i % 2], size16(numbers));
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
        if (count <= i * 16) break;
        v16 numbers = load_up_to(x + i * 16, count - i * 16);
        squares[i] = fma16(numbers, numbers, squares[i]);
        largest[i % 2] = larger16(largest[i % 2], size16(numbers));
    }
    float sum = sum16((squares[0] + squares[2]) + (squares[1] + squares[3]));
    return ck_scale_of_block(sum, largest_lane(larger16(largest[0], largest[1])));
}

/// A block of a row.
CK_INLINE void pack_row_block(const float *x, long count, float *words) {
    words[0] = scale_of_row(x, count);
    v16 inverse = splat(ck_inverse_scale(words[0]));
    for (words++; count >= 32; count -= 32, x += 32, words += 16) {
        u16x32 pairs = low_halves(integers16(load16(x), inverse), integers16(load16(x + 16), inverse));
        __builtin_memcpy(words, &pairs, sizeof pairs);
    }
    for (; count > 0; count -= 16, x += 16, words += 8) {
        i16 numbers = integers16(load_up_to(x, count), inverse);
        u16x32 pairs = low_halves(numbers, numbers);
        __builtin_memcpy(words, &pairs, count > 8 ? 32 : 16);
    }
}

/// A row of any length.
CK_INLINE void pack_row(const float *x, long inputs, float *words) {
    for (long first = 0; first < inputs; first += ck_block_inputs) {
        pack_row_block(x + first, ck_min(ck_block_inputs, inputs - first), words);
        words += ck_block_words;
    }
}

/// The scales of sixteen outputs' blocks [count][16].
CK_INLINE v16 scales_of_columns(const float *numbers, long count) {
    v16 squares = splat(0.0f), largest = splat(0.0f);
    for (; count > 0; count--, numbers += 16) {
        v16 some = load16(numbers);
        squares = fma16(some, some, squares);
        largest = larger16(largest, size16(some));
    }
    return scale16(squares, largest);
}

/// Sixteen outputs' blocks [count][16] into a panel's column.
CK_INLINE void pack_column(const float *numbers, long count, v16 scale, long width, float *column) {
    v16 inverse = inverse_scale16(scale);
    store16(column, scale);
    float *end = column + ck_words_of_block(count) * width;
    column += width;
    for (; count >= 2; count -= 2, numbers += 32, column += width) {
        i16 first = integers16(load16(numbers), inverse), second = integers16(load16(numbers + 16), inverse);
        store16(column, from_bits16(pair16(first, second)));
    }
    if (count == 1) {
        store16(column, from_bits16(integers16(load16(numbers), inverse) & 0xffff));
        column += width;
    }
    for (; column < end; column += width) store16(column, splat(0.0f));
}

/// Brings `w`, of one tap, into a panel of `width` outputs.
static void load_integer_panel(const weight_block *w, long width, float *panel) {
    _Alignas(64) float staged[ck_block_inputs * ck_half_panel];
    for (long first = 0; first < w->inputs; first += ck_block_inputs) {
        for (long half = 0; half < width; half += ck_half_panel) {
            weight_block part = *w;
            part.values += (half * w->output_stride + first) * ck_type_size(w->type);
            part.outputs -= half;
            part.inputs = part.tap_rows = ck_min(ck_block_inputs, w->inputs - first);
            load_panel(&part, ck_half_panel, staged);
            v16 scale = scales_of_columns(staged, part.inputs);
            pack_column(staged, part.inputs, scale, width, panel + half);
        }
        panel += ck_block_words * width;
    }
}
