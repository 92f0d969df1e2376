// Winograd F(4×4,3×3) on blocks of tiles: transform the input, 36 matrix products, transform back.
//
// Large maps: each item is a block of tiles whose transformed input and sums stay in the second-level
// cache. Small maps: the whole transformed input is shared and items divide the panels, so that each weight
// is read once.

typedef struct winograd {
    ck_conv_shape shape;
    long tile_rows, tile_columns, tiles;
    const float *x;
    long ldx;
    const float *packed;
    ck_epilogue epilogue;
    float *y;
    long ldy;
    long block;            // tiles an item multiplies
    long groups;           // of panels, one an item; more than one only with shared input
    long group_panels;     // panels whose sums are kept before they are transformed back
    long channels;         // in_channels in whole vectors: a row of the transformed input
    float *shared;         // transformed input of all tiles, or null
    float *scratch;        // per thread: transformed input (unless shared), then sums
    long thread_floats, input_floats;
    bool stream;           // the output goes past the caches
} winograd;

/// Matrices of a power-of-two size would fall on the same cache sets: a line between them avoids it.
static long matrix_stride(long floats) {
    return ck_line_floats(floats) + 16;
}

// MARK: Transforms

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

static void transform_piece(const float *x, long pixel, long line, long channels, float *out, long stride) {
    long c = 0;
    for (; c + 16 <= channels; c += 16) transform_channels(x + c, pixel, line, 16, out + c, stride);
    if (c < channels) transform_channels(x + c, pixel, line, channels - c, out + c, stride);
}

/// A piece that reaches past the padded map is transformed as if the map went on with zeros.
static void transform_edge_piece(const float *x, long pixel, long line, long rows, long columns,
                                 long channels, float *out, long stride) {
    float copy[36 * 16];
    for (long c = 0; c < channels; c += 16) {
        long count = ck_min(16, channels - c);
        __builtin_memset(copy, 0, sizeof copy);
        for (long i = 0; i < rows; i++) {
            for (long j = 0; j < columns; j++) {
                const float *source = x + i * line + j * pixel + c;
                __builtin_memcpy(copy + (i * 6 + j) * 16, source, (size_t)count * sizeof(float));
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

static void transform_tiles(const winograd *w, long first, long end, float *out, long stride) {
    long rows = w->shape.height + 2, columns = w->shape.width + 2, line = columns * w->ldx;
    for (long tile = first; tile < end; tile++, out += w->channels) {
        tile_place p = place_of(w, tile);
        const float *x = w->x + (p.image * rows + p.top) * line + p.left * w->ldx;
        if (p.top + 6 <= rows && p.left + 6 <= columns) {
            transform_piece(x, w->ldx, line, w->shape.in_channels, out, stride);
        } else {
            transform_edge_piece(x, w->ldx, line, ck_min(6, rows - p.top), ck_min(6, columns - p.left),
                                 w->shape.in_channels, out, stride);
        }
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

// MARK: Multiplication

/// Panel `panel` of matrix `i` of the 36.
static const float *weights_of(const winograd *w, long panel, long i) {
    long inputs = w->shape.in_channels, width = ck_width_of_panel(w->shape.out_channels, panel);
    return ck_panel(w->packed, 36 * inputs, panel) + i * inputs * width;
}

/// Tiles `first` ..< `first + count`, transformed at `input`, against panels `panel` ..< `end`.
static void multiply_panels(const winograd *w, const float *input, long input_stride, long first, long count,
                            long panel, long end, float *sums) {
    long inputs = w->shape.in_channels, outputs = w->shape.out_channels;
    long ld = (end - panel) * ck_panel_width, stride = matrix_stride(count * ld);
    for (long i = 0; i < 36; i++) {
        for (long p = panel; p < end; p++) {
            const float *next_panel = p + 1 < end ? weights_of(w, p + 1, i) : weights_of(w, panel, i + 1);
            tile_sum sum = {input + i * input_stride, w->channels, single_tap, 1, inputs, 0, next_panel};
            multiply_rows(count, sum, weights_of(w, p, i), ck_width_of_panel(outputs, p), false,
                          sums + i * stride + (p - panel) * ck_panel_width, ld);
        }
    }
    long first_channel = panel * ck_panel_width, end_channel = ck_min(outputs, end * ck_panel_width);
    for (long tile = 0; tile < count; tile++) {
        tile_place place = place_of(w, first + tile);
        for (long channel = first_channel; channel < end_channel; channel += 16) {
            const float *at = sums + tile * ld + channel - first_channel;
            restore_channels(w, place, at, stride, channel, outputs - channel);
        }
    }
}

static void winograd_item(void *user, long item, int thread) {
    const winograd *w = user;
    float *own = w->scratch + thread * w->thread_floats, *sums = own + w->input_floats;
    long group = item % w->groups, panels = ck_panels(w->shape.out_channels);
    long first = item / w->groups * w->block, count = ck_min(w->block, w->tiles - first);
    const float *input = own;
    long stride = matrix_stride((w->shared ? w->tiles : w->block) * w->channels);
    if (w->shared) {
        input = w->shared + first * w->channels;
    } else {
        transform_tiles(w, first, first + count, own, stride);
    }
    long end = panels * (group + 1) / w->groups;
    for (long panel = panels * group / w->groups; panel < end; panel += w->group_panels) {
        multiply_panels(w, input, stride, first, count, panel, ck_min(end, panel + w->group_panels), sums);
    }
}

enum { shared_tiles = 4 }; // tiles an item of the shared transform takes

static void shared_transform_item(void *user, long item) {
    const winograd *w = user;
    long first = item * shared_tiles, stride = matrix_stride(w->tiles * w->channels);
    long end = ck_min(w->tiles, first + shared_tiles);
    transform_tiles(w, first, end, w->shared + first * w->channels, stride);
}

// MARK: Schedule

static void vector_winograd(ck_pool *pool, ck_conv_shape shape, const float *x, long ldx, const float *packed,
                            ck_epilogue epilogue, float *y, long ldy) {
    winograd w = {
        .shape = shape, .x = x, .ldx = ldx, .packed = packed, .epilogue = epilogue, .y = y, .ldy = ldy,
        .tile_rows = ck_ceil_div(shape.height, 4), .tile_columns = ck_ceil_div(shape.width, 4),
        .channels = ck_line_floats(shape.in_channels),
        .stream = ck_streams(shape.images * shape.height * shape.width * ldy),
    };
    w.tiles = shape.images * w.tile_rows * w.tile_columns;
    int threads = ck_pool_threads(pool);
    ck_winograd_plan plan = ck_plan_winograd(w.tiles, w.channels, ck_panels(shape.out_channels), threads);
    w.block = plan.block;
    w.groups = plan.groups;
    w.group_panels = plan.group_panels;
    w.input_floats = plan.shared ? 0 : 36 * matrix_stride(w.block * w.channels);
    w.thread_floats = w.input_floats + 36 * matrix_stride(w.block * w.group_panels * ck_panel_width);
    long shared_floats = plan.shared ? 36 * matrix_stride(w.tiles * w.channels) : 0;
    float *scratch = ck_pool_scratch(pool, (size_t)(shared_floats + threads * w.thread_floats));
    w.scratch = scratch + shared_floats;
    if (plan.shared) {
        w.shared = scratch;
        ck_pool_for(pool, ck_ceil_div(w.tiles, shared_tiles), shared_transform_item, &w);
    }
    ck_pool_items(pool, ck_ceil_div(w.tiles, w.block) * w.groups, winograd_item, &w);
}
