// Matrix products: a thread brings a block of the weights into panels that stay in its second-level cache,
// and all rows pass by them.

/// Sixteen columns (or `count` of them) of a tile of finished sums, with the epilogue.
CK_INLINE void finish_columns(const ck_epilogue *epilogue, const ck_activation activation, const float *tile,
                              long ld, long rows, const long count, const float *bias, const float *residual,
                              float *y, long ldy) {
    v16 added = bias ? load_up_to(bias, count) : splat(0.0f);
    float scale = epilogue->scale;
    long residual_stride = epilogue->residual_stride;
    for (long row = 0; row < rows; row++, tile += ld, y += ldy) {
        v16 sum = load16(tile);
        if (bias) sum += added;
        sum = activate16(activation, sum);
        if (residual) sum += load_up_to(residual + row * residual_stride, count);
        store_up_to(y, sum * scale, count);
    }
}

/// Applies the epilogue to a tile of finished sums and writes it out. `bias` is at the panel's first channel.
static void finish_tile(const ck_epilogue *epilogue, const float *tile, long ld, long rows, long first,
                        long count, const float *bias, const float *residual, float *y, long ldy) {
    y += first;
    if (residual) residual += first;
    for (long c = 0; c < count; c += 16, tile += 16, y += 16) {
        if (count - c < 16 || epilogue->activation != CK_ACTIVATION_NONE) {
            finish_columns(epilogue, epilogue->activation, tile, ld, rows, count - c, bias, residual, y, ldy);
        } else if (residual) {
            finish_columns(epilogue, CK_ACTIVATION_NONE, tile, ld, rows, 16, bias, residual, y, ldy);
        } else {
            finish_columns(epilogue, CK_ACTIVATION_NONE, tile, ld, rows, 16, bias, 0, y, ldy);
        }
        if (bias) bias += 16;
        if (residual) residual += 16;
    }
}

// MARK: Matrix product

enum {
    gemm_inputs = 640,        // most inputs whose weights are in panels at a time
    panel_budget = 128 << 10, // floats of panels a thread holds: half of the second-level cache
    packed_budget = 2 << 20,  // words of rows that are packed before they are multiplied
    // Fewer rows than this only read the weights: whole rows of them, one panel at a time. 1×1280→5120 took
    // 2.2 ms on one thread (12 GB/s) and 3.6 in blocks; 8 rows 2.8 and 4.6.
    few_rows = 32,
    few_rows_inputs = 4096,
};

typedef struct gemm {
    bool integers;
    long rows_per_image, first_row; // an image's rows, the first one of `m`
    long m, n, k;
    const float *a;
    long lda;
    bool packed; // the rows of `a` are words already
    ck_weights weight;
    ck_epilogue epilogue;
    float *c;
    long ldc;
    long k_block;          // inputs whose weights are in panels at a time
    work_grid grid;
    bool copies_rows;      // a tile's rows are copied together, or packed
    bool is_plain;         // sums need no epilogue and are made where they stay
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
        long image = (g->first_row + row + r) / g->rows_per_image;
        if (bias && run == 1) bias += image * epilogue->bias_image_stride;
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

/// A tile's rows; copied, their columns lie in different sets of the first-level cache. In fast mode they are
/// packed, unless they came so.
static tile_sum gemm_rows(const gemm *g, long row, long rows, long k, long inputs, float *copy) {
    const float *a = g->a + row * g->lda + row_length(g->packed, k);
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
        const float *from = g->a + (row + r) * g->lda + row_length(g->packed, k);
        for (long i = 0; i < row_length(g->packed, inputs); i += 16) __builtin_prefetch(from + i, 0, 2);
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
        sum.end_ld = g->ldc;
        sum.end_rows = ends ? rows : 0;
        for (long panel = first; panel < last; panel++) {
            const float *weights = panels + (panel - first) * ck_panel_width * sum.k;
            float *tile = sums + (panel - first) * ck_panel_width;
            float *c = g->c + row * g->ldc + panel * ck_panel_width;
            bool stays = g->is_plain && (panel + 1) * ck_panel_width <= g->n;
            gemm_fetch(g, row + rows, end, k, inputs, panel - first, last - first);
            sum.end = c;
            multiply_tile(rows, sum, weights, ck_width_of_panel(g->n, panel), stays ? c : tile,
                          stays ? g->ldc : ld);
            if (ends && !stays) gemm_finish(g, tile, ld, row, rows, panel);
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

/// Divides the product and returns the floats of scratch memory that it takes.
static long gemm_plan(gemm *g, ck_pool *pool) {
    bool few = g->m < few_rows;
    long k_parts = ck_ceil_div(g->k, few ? few_rows_inputs : gemm_inputs * (g->integers ? 2 : 1));
    long grain = g->integers ? ck_block_inputs : 16;
    g->k_block = k_parts == 1 ? g->k : ck_ceil_div(ck_ceil_div(g->k, k_parts), grain) * grain;
    long block_length = row_length(g->integers, g->k_block);
    g->grid = make_grid(pool, ck_panels(g->n), few ? 1 : panel_budget / (block_length * ck_panel_width), g->m,
                        k_parts == 1 ? 256 : 1024);
    g->copies_rows = g->integers ? !g->packed : g->lda % 512 == 0 && g->grid.block_panels > 1;
    long width = g->grid.block_panels * ck_panel_width;
    g->panel_floats = ck_line_floats(width * block_length);
    g->sum_floats = ck_line_floats(g->grid.chunk_rows * width);
    long copied_floats = g->copies_rows ? TILE_ROWS * (ck_line_floats(block_length) + 16) : 0;
    g->thread_floats = g->panel_floats + g->sum_floats + copied_floats;
    return grid_floats(&g->grid) + g->grid.threads * g->thread_floats;
}

/// Rows of floats that become rows of words.
typedef struct row_packing {
    const float *a;
    long lda, rows, inputs;
    float *packed;
} row_packing;

enum { rows_of_item = 16 }; // that are packed

static void pack_rows_item(void *user, long item) {
    const row_packing *p = user;
    long words = ck_words(p->inputs);
    for (long row = item * rows_of_item; row < ck_min(p->rows, (item + 1) * rows_of_item); row++) {
        pack_row(p->a + row * p->lda, p->inputs, p->packed + row * words);
    }
}

static void gemm_run(ck_pool *pool, gemm *g, float *scratch) {
    g->scratch = start_grid(&g->grid, scratch);
    ck_pool_run(pool, gemm_thread, g);
}

/// Rows `row` ..< `row + rows` of `whole`, whose rows of words are in `packed`.
static gemm gemm_part(gemm whole, long row, long rows, const float *packed) {
    whole.packed = true;
    whole.first_row = row;
    whole.m = rows;
    whole.a = packed;
    whole.lda = ck_words(whole.k);
    whole.c += row * whole.ldc;
    if (whole.epilogue.residual) whole.epilogue.residual += row * whole.epilogue.residual_stride;
    return whole;
}

/// Where several blocks of panels want the same rows, all threads pack a part of the rows first, and then
/// multiply it.
static void gemm_packed(ck_pool *pool, gemm whole) {
    long words = ck_words(whole.k);
    long most = ck_ceil_div(whole.m, ck_ceil_div(whole.m * words, packed_budget));
    gemm first = gemm_part(whole, 0, most, 0), last = gemm_part(whole, 0, (whole.m - 1) % most + 1, 0);
    long floats = gemm_plan(&first, pool), floats_at_last = gemm_plan(&last, pool);
    if (floats_at_last > floats) floats = floats_at_last;
    float *scratch = ck_pool_scratch(pool, (size_t)(floats + most * words)), *packed = scratch + floats;
    for (long row = 0; row < whole.m; row += most) {
        long rows = ck_min(most, whole.m - row);
        row_packing packing = {.a = whole.a + row * whole.lda, .lda = whole.lda, .rows = rows,
                               .inputs = whole.k, .packed = packed};
        ck_pool_for(pool, ck_ceil_div(rows, rows_of_item), pack_rows_item, &packing);
        gemm part = gemm_part(whole, row, rows, packed);
        gemm_plan(&part, pool);
        gemm_run(pool, &part, scratch);
    }
}

static void vector_gemm(ck_pool *pool, ck_precision precision, long images, long m, long n, long k,
                        const float *a, long lda, ck_weights weight, ck_epilogue epilogue, float *c,
                        long ldc) {
    gemm g = {.integers = precision == CK_FAST, .rows_per_image = m / images, .m = m, .n = n, .k = k, .a = a,
              .lda = lda, .weight = weight, .epilogue = epilogue, .c = c, .ldc = ldc};
    g.is_plain = !epilogue.bias && !epilogue.residual && epilogue.activation == CK_ACTIVATION_NONE
        && epilogue.scale == 1.0f;
    long floats = gemm_plan(&g, pool);
    if (g.integers && g.grid.blocks > 1) {
        gemm_packed(pool, g);
    } else {
        gemm_run(pool, &g, ck_pool_scratch(pool, (size_t)floats));
    }
}
