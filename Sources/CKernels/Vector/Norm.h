// Group and layer norm.

// MARK: Group norm

typedef struct group_norm {
    ck_group_norm_shape shape;
    const float *x;
    long ldx;
    const float *weight, *bias, *scale_shift;
    ck_activation activation;
    bool padded_output;
    float *y;
    long ldy;
    long lanes;      // channels in whole vectors
    double *sums;    // [image][sums or squares][part][lanes]
    float *affine;   // [image][slope or offset][lanes]
    long sum_blocks; // of channels, an item of the sums each
    long items, rows_per_item;
    bool stream;     // the output goes past the caches
} group_norm;

/// Adds `pixels` pixels to the sums of `channels` channels, pixel by pixel.
CK_INLINE void sum_pixels(const float *x, long ldx, const int pixels, long channels, double *sums,
                          double *squares) {
    for (long c = 0; c < channels; c += 16) {
        d16 sum = load16d(sums + c), square = load16d(squares + c);
#pragma clang loop unroll(full)
        for (int pixel = 0; pixel < pixels; pixel++) {
            d16 value = __builtin_convertvector(load_up_to(x + pixel * ldx + c, channels - c), d16);
            sum += value;
            square = __builtin_elementwise_fma(value, value, square);
        }
        store16d(sums + c, sum);
        store16d(squares + c, square);
    }
}

/// Item: a block of channels of one half of one image. All channels of a pixel are read together where
/// there are halves enough for the threads, because memory likes to be read in order.
static void sum_body(void *user, long item) {
    const group_norm *g = user;
    ck_group_norm_shape s = g->shape;
    long part = item / g->sum_blocks % ck_norm_parts, image = item / g->sum_blocks / ck_norm_parts;
    long vectors = g->lanes / 16, block = item % g->sum_blocks;
    long channel = vectors * block / g->sum_blocks * 16;
    long count = ck_min(s.channels, vectors * (block + 1) / g->sum_blocks * 16) - channel;
    long pixels = s.height * s.width, pixel = ck_min(pixels, ck_part_start(pixels, part));
    long end = ck_min(pixels, ck_part_start(pixels, part + 1));
    const float *x = g->x + image * pixels * g->ldx + channel;
    double *sums = g->sums + (image * 2 * ck_norm_parts + part) * g->lanes + channel;
    double *squares = sums + ck_norm_parts * g->lanes;
    for (long c = 0; c < count; c += 16) {
        store16d(sums + c, (d16)0.0);
        store16d(squares + c, (d16)0.0);
    }
    for (; pixel + 8 <= end; pixel += 8) sum_pixels(x + pixel * g->ldx, g->ldx, 8, count, sums, squares);
    for (; pixel < end; pixel++) sum_pixels(x + pixel * g->ldx, g->ldx, 1, count, sums, squares);
}

/// Each channel's slope and offset in an image.
static void combine_image(const group_norm *g, long image) {
    ck_group_norm_shape s = g->shape;
    long size = s.channels / s.groups, pixels = s.height * s.width;
    const double *sums = g->sums + image * 2 * ck_norm_parts * g->lanes;
    const double *squares = sums + ck_norm_parts * g->lanes;
    float *slopes = g->affine + image * 2 * g->lanes, *offsets = slopes + g->lanes;
    const float *scale_shift = g->scale_shift ? g->scale_shift + image * 2 * s.channels : 0;
    for (long group = 0; group < s.groups; group++) {
        long first = group * size;
        ck_moments moments =
            ck_group_moments(sums + first, squares + first, g->lanes, size, pixels, s.epsilon);
        for (long channel = first; channel < first + size; channel++) {
            ck_affine affine =
                ck_channel_affine(moments, channel, s.channels, g->weight, g->bias, scale_shift);
            slopes[channel] = affine.slope;
            offsets[channel] = affine.offset;
        }
    }
}

/// Row `row` of all images, into the row that begins at `y`.
CK_INLINE void normalise_row(const group_norm *g, long row, float *y, const bool silu, const bool stream) {
    ck_group_norm_shape s = g->shape;
    const float *slopes = g->affine + row / s.height * 2 * g->lanes, *offsets = slopes + g->lanes;
    const float *x = g->x + row * s.width * g->ldx;
    for (long column = 0; column < s.width; column++, x += g->ldx, y += g->ldy) {
        for (long c = 0; c < s.channels; c += 16) {
            v16 normal = fma16(load_up_to(x + c, s.channels - c), load16(slopes + c), load16(offsets + c));
            v16 active = silu ? silu16(normal) : normal;
            if (stream) {
                stream16(y + c, active);
            } else {
                store_up_to(y + c, active, s.channels - c);
            }
        }
    }
}

static void normalise_row_as_asked(const group_norm *g, long row, float *y) {
    if (g->activation != CK_ACTIVATION_SILU) {
        normalise_row(g, row, y, false, false);
    } else if (g->stream) {
        normalise_row(g, row, y, true, true);
    } else {
        normalise_row(g, row, y, true, false);
    }
}

/// The sums have left the ends of both halves in the caches, so rows are taken from there backwards.
static void normalise_body(void *user, long item) {
    const group_norm *g = user;
    long end_item = item % 2 == 0 ? g->items : g->items / 2;
    long rows = g->shape.images * g->shape.height, first = (end_item - 1 - item / 2) * g->rows_per_item;
    for (long row = first; row < ck_min(rows, first + g->rows_per_item); row++) {
        ck_group_norm_shape s = g->shape;
        normalise_row_as_asked(g, row, g->y + ck_row_start(s.height, s.width, row, g->padded_output, g->ldy));
        if (g->padded_output) ck_clear_border(s.height, s.width, s.channels, row, g->y, g->ldy);
    }
}

/// Sums and then slopes and offsets, into `g->affine` or, where there is none, beside the sums.
static void find_affine(ck_pool *pool, group_norm *g) {
    ck_group_norm_shape s = g->shape;
    long halves = s.images * ck_norm_parts, sum_floats = 2 * 2 * halves * g->lanes; // an f64 takes two
    g->sum_blocks = ck_min(g->lanes / 16, ck_ceil_div(ck_pool_threads(pool), halves));
    float *scratch = ck_pool_scratch(pool, (size_t)(sum_floats + s.images * 2 * g->lanes));
    g->sums = (double *)scratch;
    if (!g->affine) g->affine = scratch + sum_floats;
    ck_pool_for(pool, halves * g->sum_blocks, sum_body, g);
    for (long image = 0; image < s.images; image++) combine_image(g, image);
}

static void vector_group_norm(ck_pool *pool, ck_group_norm_shape shape, const float *x, long ldx,
                              const float *weight, const float *bias, const float *scale_shift,
                              ck_activation activation, bool padded_output, float *y, long ldy) {
    group_norm g = {
        .shape = shape, .x = x, .ldx = ldx, .weight = weight, .bias = bias, .scale_shift = scale_shift,
        .activation = activation, .padded_output = padded_output, .y = y, .ldy = ldy,
        .lanes = ck_line_floats(shape.channels),
        .stream = shape.channels % 16 == 0 && ck_streams(shape.images * shape.height * shape.width * ldy),
        .rows_per_item = 1 + 2048 / (shape.width * shape.channels),
    };
    g.items = ck_ceil_div(shape.images * shape.height, g.rows_per_item);
    find_affine(pool, &g);
    ck_pool_for(pool, g.items, normalise_body, &g);
}

static void vector_group_norm_affine(ck_pool *pool, ck_group_norm_shape shape, const float *x, long ldx,
                                     const float *weight, const float *bias, const float *scale_shift,
                                     float *affine) {
    group_norm g = {
        .shape = shape, .x = x, .ldx = ldx, .weight = weight, .bias = bias, .scale_shift = scale_shift,
        .lanes = ck_line_floats(shape.channels), .affine = affine,
    };
    find_affine(pool, &g);
}

typedef struct norm_band {
    group_norm norm;
    long first_row;
} norm_band;

/// Item: a row of the padded band, the one above its first row being 0.
static void band_row(void *user, long item) {
    const norm_band *band = user;
    const group_norm *g = &band->norm;
    ck_group_norm_shape s = g->shape;
    long row = band->first_row + item - 1;
    float *y = g->y + item * (s.width + 2) * g->ldy;
    if (row < 0 || row >= s.height) return ck_clear_pixels(y, s.width + 2, s.channels, g->ldy);
    ck_clear_pixels(y, 1, s.channels, g->ldy);
    normalise_row_as_asked(g, row, y + g->ldy);
    ck_clear_pixels(y + (s.width + 1) * g->ldy, 1, s.channels, g->ldy);
}

static void vector_normalise_band(ck_pool *pool, ck_group_norm_shape shape, const float *x, long ldx,
                                  const float *affine, ck_activation activation, long first_row, long rows,
                                  float *y, long ldy) {
    norm_band band = {
        .norm = {.shape = shape, .x = x, .ldx = ldx, .activation = activation, .y = y, .ldy = ldy,
                 .lanes = ck_line_floats(shape.channels), .affine = (float *)affine},
        .first_row = first_row};
    ck_pool_for(pool, rows + 2, band_row, &band);
}

// MARK: Layer norm

typedef struct layer_norm {
    long channels, rows;
    float epsilon;
    const float *x;
    long ldx;
    const float *weight, *bias;
    float *y;
    long ldy;
} layer_norm;

enum { layer_norm_rows = 8 };

static void layer_norm_row(const layer_norm *n, const float *x, float *y) {
    const i16 lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    v16 sums = splat(0.0f), squares = splat(0.0f);
    for (long c = 0; c < n->channels; c += 16) sums += load_up_to(x + c, n->channels - c);
    float mean = sum16(sums) / (float)n->channels;
    for (long c = 0; c < n->channels; c += 16) {
        v16 difference = load_up_to(x + c, n->channels - c) - mean;
        difference = choose(lanes < (int32_t)ck_min(16, n->channels - c), difference, splat(0.0f));
        squares = fma16(difference, difference, squares);
    }
    float inverse = 1.0f / __builtin_sqrtf(sum16(squares) / (float)n->channels + n->epsilon);
    for (long c = 0; c < n->channels; c += 16) {
        long count = n->channels - c;
        v16 normal = (load_up_to(x + c, count) - mean) * inverse;
        if (n->weight) normal *= load_up_to(n->weight + c, count);
        if (n->bias) normal += load_up_to(n->bias + c, count);
        store_up_to(y + c, normal, count);
    }
}

static void layer_norm_body(void *user, long item) {
    const layer_norm *n = user;
    long first = item * layer_norm_rows;
    for (long row = first; row < ck_min(n->rows, first + layer_norm_rows); row++) {
        layer_norm_row(n, n->x + row * n->ldx, n->y + row * n->ldy);
    }
}

static void vector_layer_norm(ck_pool *pool, long rows, long channels, float epsilon, const float *x,
                              long ldx, const float *weight, const float *bias, float *y, long ldy) {
    layer_norm n = {channels, rows, epsilon, x, ldx, weight, bias, y, ldy};
    ck_pool_for(pool, ck_ceil_div(rows, layer_norm_rows), layer_norm_body, &n);
}
