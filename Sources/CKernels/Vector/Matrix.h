// Matrix products: a thread brings a block of the weights into panels that stay in its second-level cache,
// and all rows pass by them.

/// Applies the epilogue to a tile of finished sums and writes it out. `bias` is at the panel's first channel.
static void finish_tile(const ck_epilogue *epilogue, const float *tile, long ld, long rows, long first,
                        long count, const float *bias, const float *residual, float *y, long ldy) {
    const ck_epilogue local = *epilogue;
    for (long c = 0; c < count; c += 16) {
        v16 added = bias ? load_up_to(bias + c, count - c) : splat(0.0f);
        const float *row_residual = residual ? residual + first + c : 0;
        for (long row = 0; row < rows; row++) {
            v16 sum = load16(tile + row * ld + c);
            if (bias) sum += added;
            if (local.activation != CK_ACTIVATION_NONE) sum = activate16(local.activation, sum);
            if (residual) sum += load_up_to(row_residual + row * local.residual_stride, count - c);
            store_up_to(y + row * ldy + first + c, sum * local.scale, count - c);
        }
    }
}

// MARK: Matrix product

enum {
    gemm_inputs = 640,        // most inputs whose weights are in panels at a time
    panel_budget = 128 << 10, // floats of panels a thread holds: half of the second-level cache
    // Fewer rows than this only read the weights: whole rows of them, one panel at a time. 1×1280→5120 took
    // 2.2 ms on one thread (12 GB/s) and 3.6 in blocks; 8 rows 2.8 and 4.6.
    few_rows = 32,
    few_rows_inputs = 4096,
};

typedef struct gemm {
    bool integers;
    long rows_per_image, m, n, k;
    const float *a;
    long lda;
    ck_weights weight;
    ck_epilogue epilogue;
    float *c;
    long ldc;
    long k_block;          // inputs whose weights are in panels at a time
    work_grid grid;
    bool copies_rows;      // a tile's rows are copied together
    // Per thread: panels [block_panels][k_block][32], sums [chunk_rows][block_panels·32], copied rows.
    float *scratch;
    long thread_floats, panel_floats, sum_floats;
} gemm;

/// Ends a tile of finished sums of one panel.
static void gemm_finish(const gemm *g, const float *tile, long ld, long row, long rows, long panel) {
    long first = panel * ck_panel_width, count = ck_min(ck_panel_width, g->n - first);
    const ck_epilogue *epilogue = &g->epilogue;
    long run = epilogue->bias_image_stride ? 1 : rows; // rows that surely share a bias
    for (long r = 0; r < rows; r += run) {
        const float *bias = epilogue->bias;
        if (bias) bias += first;
        if (bias && run == 1) bias += (row + r) / g->rows_per_image * epilogue->bias_image_stride;
        const float *residual = epilogue->residual;
        if (residual) residual += (row + r) * epilogue->residual_stride;
        finish_tile(epilogue, tile + r * ld, ld, run, first, count, bias, residual, g->c + (row + r) * g->ldc,
                    g->ldc);
    }
}

/// Weights of inputs `k` ..< `k + inputs` of panels `first` ..< `end`.
static void gemm_load(const gemm *g, long first, long end, long k, long inputs, float *panels) {
    for (long panel = first; panel < end; panel++) {
        long output = panel * ck_panel_width;
        weight_block w = {
            .values = (const char *)g->weight.values + (output * g->k + k) * ck_type_size(g->weight.type),
            .type = g->weight.type, .output_stride = g->k, .outputs = g->n - output, .inputs = inputs,
            .taps = 1, .tap_rows = inputs,
        };
        long width = ck_width_of_panel(g->n, panel);
        float *to = panels + (panel - first) * ck_panel_width * row_length(g->integers, inputs);
        g->integers ? load_integer_panel(&w, width, to) : load_panel(&w, width, to);
    }
}

/// A tile's rows; copied, their columns lie in different sets of the first-level cache.
static tile_sum gemm_rows(const gemm *g, long row, long rows, long k, long inputs, float *copy) {
    const float *a = g->a + row * g->lda + k;
    long length = row_length(g->integers, inputs), ld = ck_line_floats(length) + 16;
    tile_sum sum = {.a = a, .lda = g->lda, .taps = single_tap, .tap_count = 1, .k = length,
                    .integers = g->integers, .add = k > 0};
    if (!g->copies_rows) return sum;
    for (long r = 0; r < rows; r++, a += g->lda) {
        if (g->integers) {
            pack_row(a, inputs, copy + r * ld);
        } else {
            __builtin_memcpy(copy + r * ld, a, (size_t)inputs * sizeof(float));
        }
    }
    sum.a = copy;
    sum.lda = ld;
    return sum;
}

/// Brings part `part` of `parts` of the next tile's rows, from `row` on, nearer.
CK_INLINE void gemm_fetch(const gemm *g, long row, long end, long k, long inputs, long part, long parts) {
    long rows = ck_min(TILE_ROWS, end - row);
    for (long r = rows * part / parts; r < rows * (part + 1) / parts; r++) {
        const float *from = g->a + (row + r) * g->lda + k;
        for (long i = 0; i < inputs; i += 16) __builtin_prefetch(from + i, 0, 2);
    }
}

/// Rows `row` ..< `end` against panels `first` ..< `last` over inputs `k` ..< `k + inputs`, in tiles as equal
/// as they can be.
static void gemm_multiply(const gemm *g, long row, long end, long first, long last, long k, long inputs,
                          float *panels) {
    long ld = (last - first) * ck_panel_width;
    bool ends = k + inputs == g->k;
    float *sums = panels + g->panel_floats, *copy = sums + g->sum_floats;
    for (long left = ck_ceil_div(end - row, TILE_ROWS); left > 0; left--) {
        long rows = (end - row) / left;
        tile_sum sum = gemm_rows(g, row, rows, k, inputs, copy);
        for (long panel = first; panel < last; panel++) {
            const float *weights = panels + (panel - first) * ck_panel_width * sum.k;
            float *tile = sums + (panel - first) * ck_panel_width;
            gemm_fetch(g, row + rows, end, k, inputs, panel - first, last - first);
            for (long r = 0; ends && r < rows; r++) {
                const float *to = g->c + (row + r) * g->ldc + panel * ck_panel_width;
                __builtin_prefetch(to, 1, 3);
                __builtin_prefetch(to + 16, 1, 3);
            }
            multiply_tile(rows, sum, weights, ck_width_of_panel(g->n, panel), tile, ld);
            if (ends) gemm_finish(g, tile, ld, row, rows, panel);
        }
        row += rows;
        if (inputs < g->k) sums += rows * ld;
    }
}

static void gemm_thread(void *user, int thread) {
    const gemm *g = user;
    const work_grid *grid = &g->grid;
    float *panels = g->scratch + thread * g->thread_floats;
    for (long turn = 0; turn < grid->blocks; turn++) {
        long block = block_in_turn(grid, thread, turn);
        long first = first_panel(grid, block), last = first_panel(grid, block + 1);
        bool loaded = false;
        for (long chunk; (chunk = take_chunk(grid, block)) >= 0;) {
            long row = first_row(grid, chunk), end = first_row(grid, chunk + 1);
            for (long k = 0; k < g->k; k += g->k_block) {
                long inputs = ck_min(g->k_block, g->k - k);
                if (!loaded) gemm_load(g, first, last, k, inputs, panels);
                gemm_multiply(g, row, end, first, last, k, inputs, panels);
            }
            loaded = g->k_block >= g->k;
        }
    }
}

static void vector_gemm(ck_pool *pool, ck_precision precision, long images, long m, long n, long k,
                        const float *a, long lda, ck_weights weight, ck_epilogue epilogue, float *c,
                        long ldc) {
    gemm g = {.integers = precision == CK_FAST, .rows_per_image = m / images, .m = m, .n = n, .k = k, .a = a,
              .lda = lda, .weight = weight, .epilogue = epilogue, .c = c, .ldc = ldc};
    bool few = m < few_rows;
    long k_parts = ck_ceil_div(k, few ? few_rows_inputs : gemm_inputs * (g.integers ? 2 : 1));
    long grain = g.integers ? ck_block_inputs : 16;
    g.k_block = k_parts == 1 ? k : ck_ceil_div(ck_ceil_div(k, k_parts), grain) * grain;
    long block_length = row_length(g.integers, g.k_block);
    g.grid = make_grid(pool, ck_panels(n), few ? 1 : panel_budget / (block_length * ck_panel_width), m,
                       k_parts == 1 ? 256 : 1024);
    g.copies_rows = g.integers || (lda % 512 == 0 && g.grid.block_panels > 1);
    long width = g.grid.block_panels * ck_panel_width;
    g.panel_floats = ck_line_floats(width * block_length);
    g.sum_floats = ck_line_floats(g.grid.chunk_rows * width);
    g.thread_floats = g.panel_floats + g.sum_floats + TILE_ROWS * (ck_line_floats(block_length) + 16);
    float *scratch = ck_pool_scratch(pool, (size_t)(grid_floats(&g.grid) + g.grid.threads * g.thread_floats));
    g.scratch = start_grid(&g.grid, scratch);
    ck_pool_run(pool, gemm_thread, &g);
}
