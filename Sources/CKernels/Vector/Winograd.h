// Winograd: transform the input, 36 or 64 matrix products, transform back. Weights come as torch keeps them
// and are transformed here, so that a network's weights need no second copy.
//
// `WinogradPlan.h` says how the work is divided.

// MARK: Shared filters: an item is a chunk of tiles

/// A panel's matrices [in][width] follow one another.
static float *filters_of(const winograd *w, long panel) {
    return w->shared + panel * w->matrices * w->filter_stride;
}

enum { shared_inputs = ck_block_inputs }; // input channels an item of the filters' transform takes

static void shared_filters_item(void *user, long item) {
    const winograd *w = user;
    long inputs = w->shape.in_channels, blocks = ck_ceil_div(inputs, shared_inputs);
    long panel = item / blocks, first = item % blocks * shared_inputs;
    long width = ck_width_of_panel(w->shape.out_channels, panel);
    transform_filters(w, panel, first, ck_min(shared_inputs, inputs - first),
                      filters_of(w, panel) + row_length(w->integers, first) * width);
}

/// The transformed tiles against panels `panel` ..< `end`.
static void multiply_panels(const winograd *w, const float *input, long count, long panel, long end,
                            float *sums) {
    for (long i = 0; i < w->matrices; i++) {
        for (long p = panel; p < end; p++) {
            const float *filters = filters_of(w, p) + i * w->filter_stride;
            const float *next = filters_of(w, p + 1 < end ? p + 1 : panel);
            next += (p + 1 < end ? i : i + 1) * w->filter_stride;
            const float *rows = input + i * w->input_stride;
            tile_sum sum = {.a = rows, .lda = w->input_length, .taps = single_tap, .tap_count = 1,
                            .k = row_length(w->integers, w->shape.in_channels), .next_rows = rows,
                            .next_panel = next, .integers = w->integers};
            multiply_rows(count, sum, filters, ck_width_of_panel(w->shape.out_channels, p),
                          sums + i * w->sum_stride + (p - panel) * ck_panel_width,
                          (end - panel) * ck_panel_width);
        }
    }
}

static void chunk_item(void *user, long item, int thread) {
    const winograd *w = user;
    long first = item * w->plan.tiles, count = ck_min(w->plan.tiles, w->tiles - first);
    float *input = w->scratch + thread * w->thread_floats, *sums = input + w->matrices * w->input_stride;
    transform_tiles(w, first, first + count, input);
    long panels = ck_panels(w->shape.out_channels);
    for (long panel = 0; panel < panels; panel += w->plan.panels) {
        long end = ck_min(panels, panel + w->plan.panels);
        multiply_panels(w, input, count, panel, end, sums);
        restore_tiles(w, first, count, panel, end, sums);
    }
}

static void convolve_with_shared_filters(ck_pool *pool, winograd *w) {
    long panels = ck_panels(w->shape.out_channels);
    w->filter_stride = matrix_stride(row_length(w->integers, w->shape.in_channels) * ck_panel_width);
    w->sum_stride = matrix_stride(w->plan.tiles * w->plan.panels * ck_panel_width);
    w->thread_floats = w->matrices * (w->input_stride + w->sum_stride);
    long shared_floats = panels * w->matrices * w->filter_stride;
    w->shared = ck_pool_scratch(pool, (size_t)(shared_floats + ck_pool_threads(pool) * w->thread_floats));
    w->scratch = w->shared + shared_floats;
    ck_pool_for(pool, panels * ck_ceil_div(w->shape.in_channels, shared_inputs), shared_filters_item, w);
    ck_pool_items(pool, ck_ceil_div(w->tiles, w->plan.tiles), chunk_item, w);
}

// MARK: Shared input: an item is a panel

enum { shared_tiles = 4 }; // tiles an item of the shared transform takes

static void shared_tiles_item(void *user, long item) {
    const winograd *w = user;
    long first = item * shared_tiles, end = ck_min(w->chunk_tiles, first + shared_tiles);
    float *out = w->shared + first * w->input_length;
    transform_tiles(w, w->first_tile + first, w->first_tile + end, out);
}

/// A part of the chunk's tiles against one panel. Sums wait in memory while the next block of inputs comes.
static void panel_item(void *user, long item, int thread) {
    const winograd *w = user;
    long parts = w->plan.parts, panel = item / parts, part = item % parts, block = w->plan.inputs;
    long tile = w->chunk_tiles * part / parts, count = w->chunk_tiles * (part + 1) / parts - tile;
    long inputs = w->shape.in_channels, width = ck_width_of_panel(w->shape.out_channels, panel);
    float *filters = w->scratch + thread * w->thread_floats, *sums = filters + w->matrices * w->filter_stride;
    const float *input = w->shared + tile * w->input_length;
    for (long first = 0; first < inputs; first += block) {
        long some = ck_min(block, inputs - first);
        transform_filters(w, panel, first, some, filters);
        weight_block these = filters_at(w, panel, first, some);
        for (long i = 0; i < w->matrices; i++, input += w->input_stride) {
            const float *matrix = filters + i * w->filter_stride;
            tile_sum sum = {.a = input, .lda = w->input_length, .taps = single_tap, .tap_count = 1,
                            .k = row_length(w->integers, some), .next_rows = input,
                            .integers = w->integers, .add = first > 0};
            if (first + some < inputs) sum.coming = coming_filters(&these, i);
            if (sum.coming) sum.coming_end = sum.coming + these.inputs * ck_type_size(these.type);
            multiply_rows(count, sum, matrix, width, sums + i * w->sum_stride, ck_panel_width);
        }
    }
    restore_tiles(w, w->first_tile + tile, count, panel, panel + 1, sums);
}

static void convolve_with_shared_input(ck_pool *pool, winograd *w) {
    long blocks = ck_ceil_div(w->shape.in_channels, w->plan.inputs);
    w->filter_stride = matrix_stride(w->input_length * ck_panel_width);
    w->sum_stride = matrix_stride(w->plan.tiles * ck_panel_width);
    w->thread_floats = w->matrices * (w->filter_stride + w->sum_stride);
    long shared_floats = blocks * w->matrices * w->input_stride;
    w->shared = ck_pool_scratch(pool, (size_t)(shared_floats + ck_pool_threads(pool) * w->thread_floats));
    w->scratch = w->shared + shared_floats;
    for (w->first_tile = 0; w->first_tile < w->tiles; w->first_tile += w->plan.tiles) {
        w->chunk_tiles = ck_min(w->plan.tiles, w->tiles - w->first_tile);
        ck_pool_for(pool, ck_ceil_div(w->chunk_tiles, shared_tiles), shared_tiles_item, w);
        ck_pool_items(pool, ck_panels(w->shape.out_channels) * w->plan.parts, panel_item, w);
    }
}

static void vector_winograd(ck_pool *pool, ck_precision precision, int side, ck_conv_shape shape,
                            const float *x, long ldx, ck_weights weights, ck_epilogue epilogue, float *y,
                            long ldy) {
    winograd w = {
        .integers = precision == CK_FAST, .side = side, .matrices = (side + 2) * (side + 2), .shape = shape,
        .x = x, .ldx = ldx, .weights = weights, .epilogue = epilogue, .y = y, .ldy = ldy,
        .tile_rows = ck_ceil_div(shape.height, side), .tile_columns = ck_ceil_div(shape.width, side),
        .stream = ck_streams(shape.images * shape.height * shape.width * ldy),
    };
    w.tiles = shape.images * w.tile_rows * w.tile_columns;
    long panels = ck_panels(shape.out_channels);
    w.plan = ck_plan_winograd(w.integers, w.matrices, w.tiles, shape.in_channels, panels,
                              ck_pool_threads(pool));
    w.input_length = row_length(w.integers, w.plan.inputs);
    w.input_stride = matrix_stride(w.plan.tiles * w.input_length);
    if (w.plan.shares_filters) {
        convolve_with_shared_filters(pool, &w);
    } else {
        convolve_with_shared_input(pool, &w);
    }
}
