// What surrounds the products of Winograd: filters, tiles of the input and of the output, between their maps
// and the matrices, of which there is one for each pixel of a piece.

typedef struct winograd {
    bool integers;
    int side, matrices; // pixels of a tile's side; a piece's, 36 or 64
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
    long input_stride, filter_stride, sum_stride; // floats between two matrices
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

enum {
    filter_block = 16, // input channels after which more of an output's filters are fetched
    staged_row = ck_block_inputs + 16, // floats between two staged rows, which fall on different sets
};

/// Sixteen filters, whose taps lie `tap` floats apart, into the matrices.
CK_INLINE void transform_filter(const int side, const float *taps, long tap, float *out, long stride) {
    const int piece = side + 2;
    v16 half[3][most_piece];
#pragma clang loop unroll(full)
    for (int j = 0; j < 3; j++) {
        v16 column[3];
        for (int i = 0; i < 3; i++) column[i] = load16(taps + (i * 3 + j) * tap);
        filter_line(side, column, half[j]);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < piece; i++) {
        v16 row[3] = {half[0][i], half[1][i], half[2][i]}, transformed[most_piece];
        filter_line(side, row, transformed);
        for (int j = 0; j < piece; j++) store16(out + (i * piece + j) * stride, transformed[j]);
    }
}

/// The panel's filters for `count` inputs from `first` on, where they lie.
static weight_block filters_at(const winograd *w, long panel, long first, long count) {
    long inputs = w->shape.in_channels, output = panel * ck_panel_width;
    return (weight_block){
        .values = (const char *)w->weights.values
            + (output * inputs + first) * 9 * ck_type_size(w->weights.type),
        .type = w->weights.type, .output_stride = 9 * inputs, .outputs = w->shape.out_channels - output,
        .inputs = 9 * count, .taps = 9, .tap_rows = count,
    };
}

/// What comes after a block's inputs in one of its outputs, to be fetched while the block is transformed or
/// multiplied, so that memory is asked for a little at a time. Null where there is no such output.
CK_INLINE const char *coming_filters(const weight_block *block, long output) {
    if (output >= ck_min(ck_panel_width, block->outputs)) return NULL;
    return block->values + (output * block->output_stride + block->inputs) * ck_type_size(block->type);
}

/// Brings it nearer. Called for one output after the other.
CK_INLINE void fetch_filters(const weight_block *block, long output) {
    const char *next = coming_filters(block, output);
    long bytes = next ? block->inputs * ck_type_size(block->type) : 0;
    for (long line = 0; line < bytes; line += 64) __builtin_prefetch(next + line, 0, 2);
}

/// Filters of sixteen of a block's outputs, from `column` on, into matrices [input][width]. The taps of a few
/// inputs are turned and transformed at a time, so that the core turns the next ones while it stores.
CK_INLINE void transform_column(const int side, const weight_block *block, const ck_type type, long column,
                                long width, float *out, long stride) {
    enum { turned_inputs = 4, turned_taps = 9 * turned_inputs };
    _Alignas(64) float taps[turned_taps * 16], staged[16 * turned_taps];
    long size = ck_type_size(type), step = block->output_stride * size, outputs = block->outputs - column;
    const char *values = block->values + column * step;
    for (long first = 0; first < block->tap_rows; first += turned_inputs, values += turned_taps * size) {
        long inputs = ck_min(turned_inputs, block->tap_rows - first);
        bool full = outputs >= 16 && inputs == turned_inputs;
        if (!full) stage_part(values, type, step, outputs, 9 * inputs, staged, turned_taps);
#pragma clang loop unroll(full)
        for (int tap = 0; tap < turned_taps; tap += 4) {
            v16 turned[4];
            if (full) {
                turn4(values + tap * size, type, step, turned);
            } else {
                turn4((const char *)(staged + tap), CK_TYPE_F32, turned_taps * sizeof(float), turned);
            }
            for (int i = 0; i < 4; i++) store16(taps + (tap + i) * 16, turned[i]);
        }
        for (long i = 0; i < inputs; i++) {
            fetch_filters(block, column + first + i);
            transform_filter(side, taps + i * 9 * 16, 16, out + (first + i) * width + column, stride);
        }
    }
}

/// Filters of all of a block's outputs, into matrices [input][width].
CK_INLINE void transform_columns(const winograd *w, const weight_block *block, const ck_type type, long width,
                                 float *out) {
    for (long column = 0; column < width; column += 16) {
        if (w->side == 6) {
            transform_column(6, block, type, column, width, out, w->filter_stride);
        } else {
            transform_column(4, block, type, column, width, out, w->filter_stride);
        }
    }
}

/// Filters of the panel's outputs for `count` inputs from `first` on, into matrices [count][width] that lie
/// `filter_stride` floats apart.
static void float_filters(const winograd *w, long panel, long first, long count, float *out) {
    long width = ck_width_of_panel(w->shape.out_channels, panel);
    for (long block = 0; block < count; block += filter_block, out += filter_block * width) {
        weight_block filters = filters_at(w, panel, first + block, ck_min(filter_block, count - block));
        switch (filters.type) {
        case CK_TYPE_F32: transform_columns(w, &filters, CK_TYPE_F32, width, out); break;
        case CK_TYPE_F16: transform_columns(w, &filters, CK_TYPE_F16, width, out); break;
        case CK_TYPE_BF16: transform_columns(w, &filters, CK_TYPE_BF16, width, out); break;
        }
    }
}

/// Line `line` of the transformed filters of tiles of side 4, a block's inputs of sixteen outputs, as rows of
/// integers of six matrices. All lines at once would not stay in near caches.
CK_INLINE void integer_line(const int line, const weight_block *block, const float *turned, long width,
                            float *out, long stride) {
    _Alignas(64) float staged[6][ck_block_inputs * 16];
    v16 squares[6], largest[6];
    for (int j = 0; j < 6; j++) squares[j] = largest[j] = splat(0.0f);
    long tap = block->tap_rows * width;
    for (long input = 0; input < block->tap_rows; input++, turned += width) {
        v16 row[3], transformed[6];
#pragma clang loop unroll(full)
        for (int j = 0; j < 3; j++) {
            v16 column[3], half[6];
            for (int i = 0; i < 3; i++) column[i] = load16(turned + (i * 3 + j) * tap);
            filter_line(4, column, half);
            row[j] = half[line];
        }
        filter_line(4, row, transformed);
#pragma clang loop unroll(full)
        for (int j = 0; j < 6; j++) {
            store16(staged[j] + input * 16, transformed[j]);
            squares[j] = fma16(transformed[j], transformed[j], squares[j]);
            largest[j] = larger16(largest[j], size16(transformed[j]));
        }
    }
    for (int j = 0; j < 6; j++) {
        v16 scale = scale16(squares[j], largest[j]);
        pack_column(staged[j], block->tap_rows, scale, width, out + (line * 6 + j) * stride);
    }
}

/// The same as blocks of integers, of tiles of side 4.
static void integer_filters(const winograd *w, long panel, long first, long count, float *out) {
    _Alignas(64) float turned[9 * ck_block_inputs * ck_panel_width];
    long width = ck_width_of_panel(w->shape.out_channels, panel);
    for (long block = 0; block < count; block += ck_block_inputs, out += ck_block_words * width) {
        weight_block filters = filters_at(w, panel, first + block, ck_min(ck_block_inputs, count - block));
        load_panel(&filters, width, turned);
        long output = 0;
        for (long half = 0; half < width; half += 16) {
#pragma clang loop unroll(full)
            for (int line = 0; line < 6; line++) {
                integer_line(line, &filters, turned + half, width, out + half, w->filter_stride);
                for (int i = 0; i < 3; i++) fetch_filters(&filters, output++);
            }
        }
    }
}

static void transform_filters(const winograd *w, long panel, long first, long count, float *out) {
    if (w->integers) {
        integer_filters(w, panel, first, count, out);
    } else {
        float_filters(w, panel, first, count, out);
    }
}

/// Sixteen channels (or `count`, the rest zero) of one piece into the matrices.
CK_INLINE void transform_channels(const int side, const float *x, long pixel, long line, long count,
                                  float *out, long stride) {
    const int piece = side + 2;
    v16 half[most_piece][most_piece];
#pragma clang loop unroll(full)
    for (int i = 0; i < piece; i++) {
        v16 d[most_piece];
        for (int j = 0; j < piece; j++) d[j] = load_up_to(x + i * line + j * pixel, count);
        input_line(side, d, half[i]);
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < piece; j++) {
        v16 d[most_piece], transformed[most_piece];
        for (int i = 0; i < piece; i++) d[i] = half[i][j];
        input_line(side, d, transformed);
        for (int i = 0; i < piece; i++) store16(out + (i * piece + j) * stride, transformed[i]);
    }
}

/// Where the row of `channel`, which begins a block of integers or sixteen floats, goes on in the blocked
/// matrices.
CK_INLINE long channel_offset(const winograd *w, long channel) {
    return channel / w->plan.inputs * w->matrices * w->input_stride
        + row_length(w->integers, channel % w->plan.inputs);
}

/// `count` channels of a piece into rows that lie `stride` apart.
CK_INLINE void transform_piece(const int side, const float *x, long pixel, long line, long count, float *out,
                               long stride) {
    long c = 0;
    for (; c + 16 <= count; c += 16) transform_channels(side, x + c, pixel, line, 16, out + c, stride);
    if (c < count) transform_channels(side, x + c, pixel, line, count - c, out + c, stride);
}

/// A piece that reaches past the padded map is transformed as if the map went on with zeros.
CK_INLINE void transform_edge_piece(const int side, const float *x, long pixel, long line, long rows,
                                    long columns, long count, float *out, long stride) {
    const int piece = side + 2;
    float copy[most_matrices * 16];
    for (long c = 0; c < count; c += 16) {
        long some = ck_min(16, count - c);
        __builtin_memset(copy, 0, sizeof copy);
        for (long i = 0; i < rows; i++) {
            for (long j = 0; j < columns; j++) {
                const float *source = x + i * line + j * pixel + c;
                __builtin_memcpy(copy + (i * piece + j) * 16, source, (size_t)some * sizeof(float));
            }
        }
        transform_channels(side, copy, 16, piece * 16, 16, out + c, stride);
    }
}

/// Where tile `tile` lies.
typedef struct tile_place {
    long image, top, left;
    long rows, columns; // of its pixels that the map has, `side` except at the map's far edges
    long pixel;         // its first one, counted over all images
} tile_place;

CK_INLINE tile_place place_of(const winograd *w, long tile) {
    long in_image = tile % (w->tile_rows * w->tile_columns);
    long image = tile / (w->tile_rows * w->tile_columns);
    long top = in_image / w->tile_columns * w->side, left = in_image % w->tile_columns * w->side;
    return (tile_place){image, top, left,
                        ck_min(w->side, w->shape.height - top), ck_min(w->side, w->shape.width - left),
                        (image * w->shape.height + top) * w->shape.width + left};
}

/// A tile into its row of the blocked matrices.
CK_INLINE void transform_tile(const int side, const winograd *w, tile_place p, float *out) {
    const int piece = side + 2;
    _Alignas(64) float staged[36 * staged_row]; // of integers, whose side is 4
    long rows = w->shape.height + 2, columns = w->shape.width + 2, line = columns * w->ldx;
    const float *x = w->x + (p.image * rows + p.top) * line + p.left * w->ldx;
    long step = w->integers ? ck_min(ck_block_inputs, w->plan.inputs) : w->plan.inputs;
    for (long c = 0; c < w->shape.in_channels; c += step) {
        long count = ck_min(step, w->shape.in_channels - c);
        float *to = w->integers ? staged : out + channel_offset(w, c);
        long stride = w->integers ? staged_row : w->input_stride;
        if (p.top + piece <= rows && p.left + piece <= columns) {
            transform_piece(side, x + c, w->ldx, line, count, to, stride);
        } else {
            transform_edge_piece(side, x + c, w->ldx, line, ck_min(piece, rows - p.top),
                                 ck_min(piece, columns - p.left), count, to, stride);
        }
        float *words = out + channel_offset(w, c);
        for (long i = 0; w->integers && i < 36; i++, words += w->input_stride) {
            pack_row_block(staged + i * staged_row, count, words);
        }
    }
}

/// Tiles `first` ..< `end` into rows of the blocked matrices [block][matrix][tile][input_length].
static void transform_tiles(const winograd *w, long first, long end, float *out) {
    for (long tile = first; tile < end; tile++, out += w->input_length) {
        if (w->side == 6) {
            transform_tile(6, w, place_of(w, tile), out);
        } else {
            transform_tile(4, w, place_of(w, tile), out);
        }
    }
}

/// Sixteen channels of one tile back to `rows`×`columns` pixels (`side`×`side` except at the map's far
/// edges), with the epilogue. `count` of the channels exist.
CK_INLINE void restore_pixels(const int side, const winograd *w, tile_place p, const float *sums, long stride,
                              long channel, const long rows, const long columns, const long count,
                              const bool stream) {
    const int piece = side + 2;
    const ck_epilogue epilogue = w->epilogue;
    const float *bias = epilogue.bias;
    if (bias) bias += p.image * epilogue.bias_image_stride + channel;
    v16 half[most_piece][most_side], added = bias ? load_up_to(bias, count) : splat(0.0f);
#pragma clang loop unroll(full)
    for (int i = 0; i < piece; i++) {
        v16 m[most_piece];
        for (int j = 0; j < piece; j++) m[j] = load16(sums + (i * piece + j) * stride);
        output_line(side, m, half[i]);
    }
    for (long j = 0; j < columns; j++) {
        v16 m[most_piece], out[most_side];
        for (int i = 0; i < piece; i++) m[i] = half[i][j];
        output_line(side, m, out);
        for (long i = 0; i < rows; i++) {
            long pixel = p.pixel + i * w->shape.width + j;
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

CK_INLINE void restore_channels(const int side, const winograd *w, tile_place p, const float *sums,
                                long stride, long channel, long count) {
    if (p.rows < side || p.columns < side || count < 16) {
        restore_pixels(side, w, p, sums, stride, channel, p.rows, p.columns, count, false);
    } else if (w->stream) {
        restore_pixels(side, w, p, sums, stride, channel, side, side, 16, true);
    } else {
        restore_pixels(side, w, p, sums, stride, channel, side, side, 16, false);
    }
}

/// Brings a tile's residual near, sixteen channels of it, while the tile before is restored.
CK_INLINE void fetch_residual(const winograd *w, tile_place p, long channel) {
    for (long i = 0; i < p.rows; i++) {
        for (long j = 0; j < p.columns; j++) {
            long pixel = p.pixel + i * w->shape.width + j;
            __builtin_prefetch(w->epilogue.residual + pixel * w->epilogue.residual_stride + channel, 0, 3);
        }
    }
}

/// The sums [matrix][tile][channel] of panels `panel` ..< `end` become pixels.
static void restore_tiles(const winograd *w, long first, long count, long panel, long end,
                          const float *sums) {
    long outputs = w->shape.out_channels, ld = (end - panel) * ck_panel_width;
    long first_channel = panel * ck_panel_width, end_channel = ck_min(outputs, end * ck_panel_width);
    for (long tile = 0; tile < count; tile++) {
        tile_place place = place_of(w, first + tile);
        tile_place next = place_of(w, first + tile + 1);
        bool fetches = w->epilogue.residual && tile + 1 < count;
        for (long channel = first_channel; channel < end_channel; channel += 16) {
            const float *at = sums + tile * ld + channel - first_channel;
            if (fetches) fetch_residual(w, next, channel);
            if (w->side == 6) {
                restore_channels(6, w, place, at, w->sum_stride, channel, outputs - channel);
            } else {
                restore_channels(4, w, place, at, w->sum_stride, channel, outputs - channel);
            }
        }
    }
}
