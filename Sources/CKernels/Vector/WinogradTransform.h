// What surrounds the products of Winograd F(4×4,3×3): filters, tiles of the input and of the output, between
// their maps and the 36 matrices.

typedef struct winograd {
    bool integers;
    ck_conv_shape shape;
    long tile_rows, tile_columns, tiles;
    const float *x;
    long ldx;
    ck_weights weights;
    ck_epilogue epilogue;
    float *y;
    long ldy;
    ck_winograd_plan plan;
    long input_length; // floats or words of a block's row of the transformed input
    long input_stride, filter_stride, sum_stride; // floats between two of the 36 matrices
    long first_tile, chunk_tiles; // of the chunk, where its input is shared
    float *shared;                // transformed filters, or the chunk's transformed input
    float *scratch;               // per thread
    long thread_floats;
    bool stream; // the output goes past the caches
} winograd;

/// Matrices of a power-of-two size would fall on the same cache sets: a line between them avoids it.
static long matrix_stride(long floats) {
    return ck_line_floats(floats) + 16;
}

// MARK: Transforms

CK_INLINE void filter_line(const v16 w[3], v16 out[6]) {
    const float sixth = 1.0f / 6, twelfth = 1.0f / 12, part = 1.0f / 24;
    v16 outer = splat(-sixth) * (w[0] + w[2]), mixed = fma16(splat(part), w[0], splat(sixth) * w[2]);
    out[0] = splat(0.25f) * w[0];
    out[1] = fma16(splat(-sixth), w[1], outer);
    out[2] = fma16(splat(sixth), w[1], outer);
    out[3] = fma16(splat(twelfth), w[1], mixed);
    out[4] = fma16(splat(-twelfth), w[1], mixed);
    out[5] = w[2];
}

CK_INLINE void input_line(const v16 d[6], v16 out[6]) {
    v16 a = fma16(splat(-4.0f), d[2], d[4]), b = fma16(splat(-4.0f), d[1], d[3]);
    v16 e = d[4] - d[2], f = 2.0f * (d[3] - d[1]);
    out[0] = fma16(splat(4.0f), d[0], fma16(splat(-5.0f), d[2], d[4]));
    out[1] = a + b;
    out[2] = a - b;
    out[3] = e + f;
    out[4] = e - f;
    out[5] = fma16(splat(4.0f), d[1], fma16(splat(-5.0f), d[3], d[5]));
}

CK_INLINE void output_line(const v16 m[6], v16 out[4]) {
    v16 s = m[1] + m[2], d = m[1] - m[2], u = m[3] + m[4], v = m[3] - m[4];
    out[0] = (m[0] + s) + u;
    out[1] = fma16(splat(2.0f), v, d);
    out[2] = fma16(splat(4.0f), u, s);
    out[3] = fma16(splat(8.0f), v, d) + m[5];
}

enum {
    filter_block = 16, // input channels whose filters are turned at a time
    staged_row = ck_block_inputs + 16, // floats between two staged rows, which fall on different sets
};

/// Sixteen filters, whose taps lie `tap` floats apart, into the 36 matrices.
CK_INLINE void transform_filter(const float *taps, long tap, float *out, long stride) {
    v16 half[3][6];
    for (int j = 0; j < 3; j++) {
        v16 column[3];
        for (int i = 0; i < 3; i++) column[i] = load16(taps + (i * 3 + j) * tap);
        filter_line(column, half[j]);
    }
    for (int i = 0; i < 6; i++) {
        v16 row[3] = {half[0][i], half[1][i], half[2][i]}, transformed[6];
        filter_line(row, transformed);
        for (int j = 0; j < 6; j++) store16(out + (i * 6 + j) * stride, transformed[j]);
    }
}

/// Filters of the panel's outputs for `count` inputs from `first` on, into 36 matrices [count][width] that
/// lie `stride` floats apart.
static void float_filters(const winograd *w, long panel, long first, long count, float *out, long stride) {
    _Alignas(64) float turned[9 * filter_block * ck_panel_width];
    long inputs = w->shape.in_channels, output = panel * ck_panel_width;
    long width = ck_width_of_panel(w->shape.out_channels, panel), size = ck_type_size(w->weights.type);
    for (long block = 0; block < count; block += filter_block, out += filter_block * width) {
        long some = ck_min(filter_block, count - block);
        weight_block filters = {
            .values = (const char *)w->weights.values + (output * inputs + first + block) * 9 * size,
            .type = w->weights.type, .output_stride = 9 * inputs, .outputs = w->shape.out_channels - output,
            .inputs = 9 * some, .taps = 9, .tap_rows = some,
        };
        for (long row = 0; row < ck_min(width, filters.outputs); row++) { // what the next turn reads
            const char *next = filters.values + (row * inputs + filter_block) * 9 * size;
            for (long line = 0; line < 9 * filter_block * size; line += 64) __builtin_prefetch(next + line);
        }
        load_panel(&filters, width, turned);
        for (long input = 0; input < some; input++) {
            for (long half = 0; half < width; half += 16) {
                long at = input * width + half;
                transform_filter(turned + at, some * width, out + at, stride);
            }
        }
    }
}

/// The same as blocks of integers.
static void integer_filters(const winograd *w, long panel, long first, long count, float *out) {
    _Alignas(64) float staged[36 * ck_block_inputs * ck_panel_width];
    long width = ck_width_of_panel(w->shape.out_channels, panel), stride = ck_block_inputs * ck_panel_width;
    for (long block = 0; block < count; block += ck_block_inputs) {
        long some = ck_min(ck_block_inputs, count - block);
        float_filters(w, panel, first + block, some, staged, stride);
        for (long i = 0; i < 36; i++) {
            for (long half = 0; half < width; half += 16) {
                float *column = out + i * w->filter_stride + half;
                pack_column(staged + i * stride + half, width, some, width, column);
            }
        }
        out += ck_block_words * width;
    }
}

static void transform_filters(const winograd *w, long panel, long first, long count, float *out) {
    if (w->integers) {
        integer_filters(w, panel, first, count, out);
    } else {
        float_filters(w, panel, first, count, out, w->filter_stride);
    }
}

/// Sixteen channels (or `count`, the rest zero) of one 6×6 piece into the 36 matrices.
CK_INLINE void transform_channels(const float *x, long pixel, long line, long count, float *out,
                                  long stride) {
    v16 half[6][6];
    for (int i = 0; i < 6; i++) {
        v16 d[6];
        for (int j = 0; j < 6; j++) d[j] = load_up_to(x + i * line + j * pixel, count);
        input_line(d, half[i]);
    }
    for (int j = 0; j < 6; j++) {
        v16 d[6], transformed[6];
        for (int i = 0; i < 6; i++) d[i] = half[i][j];
        input_line(d, transformed);
        for (int i = 0; i < 6; i++) store16(out + (i * 6 + j) * stride, transformed[i]);
    }
}

/// Where the row of `channel`, which begins a block of integers or sixteen floats, goes on in the blocked
/// matrices.
CK_INLINE long channel_offset(const winograd *w, long channel) {
    return channel / w->plan.inputs * 36 * w->input_stride
        + row_length(w->integers, channel % w->plan.inputs);
}

/// A piece's channels from `first` on, `count` of them, into 36 rows that lie `stride` apart.
static void transform_piece(const float *x, long pixel, long line, long count, float *out, long stride) {
    long c = 0;
    for (; c + 16 <= count; c += 16) transform_channels(x + c, pixel, line, 16, out + c, stride);
    if (c < count) transform_channels(x + c, pixel, line, count - c, out + c, stride);
}

/// A piece that reaches past the padded map is transformed as if the map went on with zeros.
static void transform_edge_piece(const float *x, long pixel, long line, long rows, long columns, long count,
                                 float *out, long stride) {
    float copy[36 * 16];
    for (long c = 0; c < count; c += 16) {
        long some = ck_min(16, count - c);
        __builtin_memset(copy, 0, sizeof copy);
        for (long i = 0; i < rows; i++) {
            for (long j = 0; j < columns; j++) {
                const float *source = x + i * line + j * pixel + c;
                __builtin_memcpy(copy + (i * 6 + j) * 16, source, (size_t)some * sizeof(float));
            }
        }
        transform_channels(copy, 16, 6 * 16, 16, out + c, stride);
    }
}

/// Where tile `tile` lies.
typedef struct tile_place {
    long image, top, left;
} tile_place;

CK_INLINE tile_place place_of(const winograd *w, long tile) {
    long in_image = tile % (w->tile_rows * w->tile_columns);
    return (tile_place){tile / (w->tile_rows * w->tile_columns), in_image / w->tile_columns * 4,
                        in_image % w->tile_columns * 4};
}

/// A tile into its row of the blocked matrices.
static void transform_tile(const winograd *w, tile_place p, float *out) {
    _Alignas(64) float staged[36 * staged_row];
    long rows = w->shape.height + 2, columns = w->shape.width + 2, line = columns * w->ldx;
    const float *x = w->x + (p.image * rows + p.top) * line + p.left * w->ldx;
    long step = w->integers ? ck_min(ck_block_inputs, w->plan.inputs) : w->plan.inputs;
    for (long c = 0; c < w->shape.in_channels; c += step) {
        long count = ck_min(step, w->shape.in_channels - c);
        float *to = w->integers ? staged : out + channel_offset(w, c);
        long stride = w->integers ? staged_row : w->input_stride;
        if (p.top + 6 <= rows && p.left + 6 <= columns) {
            transform_piece(x + c, w->ldx, line, count, to, stride);
        } else {
            transform_edge_piece(x + c, w->ldx, line, ck_min(6, rows - p.top), ck_min(6, columns - p.left),
                                 count, to, stride);
        }
        float *words = out + channel_offset(w, c);
        for (long i = 0; w->integers && i < 36; i++, words += w->input_stride) {
            pack_row(staged + i * staged_row, count, words);
        }
    }
}

/// Tiles `first` ..< `end` into rows of the blocked matrices [block][36][tile][input_length].
static void transform_tiles(const winograd *w, long first, long end, float *out) {
    for (long tile = first; tile < end; tile++, out += w->input_length) {
        transform_tile(w, place_of(w, tile), out);
    }
}

/// Sixteen channels of one tile back to `rows`×`columns` pixels (4×4 except at the map's far edges), with the
/// epilogue. `count` of the channels exist.
CK_INLINE void restore_pixels(const winograd *w, tile_place p, const float *sums, long stride, long channel,
                              const long rows, const long columns, const long count, const bool stream) {
    const ck_epilogue epilogue = w->epilogue;
    const float *bias = epilogue.bias;
    if (bias) bias += p.image * epilogue.bias_image_stride + channel;
    v16 half[6][4], added = bias ? load_up_to(bias, count) : splat(0.0f);
    for (int i = 0; i < 6; i++) {
        v16 m[6];
        for (int j = 0; j < 6; j++) m[j] = load16(sums + (i * 6 + j) * stride);
        output_line(m, half[i]);
    }
    long corner = (p.image * w->shape.height + p.top) * w->shape.width + p.left;
    for (long j = 0; j < columns; j++) {
        v16 m[6], out[4];
        for (int i = 0; i < 6; i++) m[i] = half[i][j];
        output_line(m, out);
        for (long i = 0; i < rows; i++) {
            long pixel = corner + i * w->shape.width + j;
            float *y = w->y + pixel * w->ldy + channel;
            v16 sum = bias ? out[i] + added : out[i];
            if (epilogue.activation != CK_ACTIVATION_NONE) sum = activate16(epilogue.activation, sum);
            if (epilogue.residual) {
                sum += load_up_to(epilogue.residual + pixel * epilogue.residual_stride + channel, count);
            }
            sum *= epilogue.scale;
            if (stream) {
                stream16(y, sum);
            } else {
                store_up_to(y, sum, count);
            }
        }
    }
}

static void restore_channels(const winograd *w, tile_place p, const float *sums, long stride, long channel,
                             long count) {
    long rows = ck_min(4, w->shape.height - p.top), columns = ck_min(4, w->shape.width - p.left);
    if (rows < 4 || columns < 4 || count < 16) {
        restore_pixels(w, p, sums, stride, channel, rows, columns, count, false);
    } else if (w->stream) {
        restore_pixels(w, p, sums, stride, channel, 4, 4, 16, true);
    } else {
        restore_pixels(w, p, sums, stride, channel, 4, 4, 16, false);
    }
}

/// The sums [36][tile][channel] of panels `panel` ..< `end` become pixels.
static void restore_tiles(const winograd *w, long first, long count, long panel, long end,
                          const float *sums) {
    long outputs = w->shape.out_channels, ld = (end - panel) * ck_panel_width;
    long first_channel = panel * ck_panel_width, end_channel = ck_min(outputs, end * ck_panel_width);
    for (long tile = 0; tile < count; tile++) {
        tile_place place = place_of(w, first + tile);
        for (long channel = first_channel; channel < end_channel; channel += 16) {
            const float *at = sums + tile * ld + channel - first_channel;
            restore_channels(w, place, at, w->sum_stride, channel, outputs - channel);
        }
    }
}
