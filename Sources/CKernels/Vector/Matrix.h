// Matrix products and direct convolutions: blocks of rows × panels are spread over the threads.

/// Applies the epilogue to a tile of finished sums and writes it out. `bias` is at the panel's first channel.
static void finish_tile(const ck_epilogue *epilogue, const float *tile, long rows, long first, long count,
                        const float *bias, const float *residual, float *y, long ldy) {
    const ck_epilogue local = *epilogue;
    for (long c = 0; c < count; c += 16) {
        v16 added = bias ? load_up_to(bias + c, count - c) : splat(0.0f);
        const float *row_residual = residual ? residual + first + c : 0;
        for (long row = 0; row < rows; row++) {
            v16 sum = load16(tile + row * ck_panel_width + c);
            if (bias) sum += added;
            if (local.activation != CK_ACTIVATION_NONE) sum = activate16(local.activation, sum);
            if (residual) sum += load_up_to(row_residual + row * local.residual_stride, count - c);
            store_up_to(y + row * ldy + first + c, sum * local.scale, count - c);
        }
    }
}

/// How many groups the panels are divided into so that `blocks` blocks of rows keep the threads busy.
static long panel_groups(ck_pool *pool, long blocks, long panels) {
    long wanted = 4 * ck_pool_threads(pool);
    return blocks >= wanted ? 1 : ck_min(panels, ck_ceil_div(wanted, blocks));
}

// MARK: Matrix product

enum { gemm_rows = 96 }; // a block of the left side that stays in the second-level cache over all panels

typedef struct gemm {
    long rows_per_image, m, n, k;
    const float *a;
    long lda;
    const float *packed;
    ck_epilogue epilogue;
    float *c;
    long ldc;
    long groups;
} gemm;

static void gemm_tile(const gemm *g, long row, long rows, long panel) {
    _Alignas(64) float tile[TILE_ROWS * ck_panel_width];
    long first = panel * ck_panel_width, width = ck_width_of_panel(g->n, panel);
    long count = ck_min(width, g->n - first);
    tile_sum sum = {g->a + row * g->lda, g->lda, single_tap, 1, g->k, g->a, g->packed};
    multiply_tile(rows, sum, ck_panel(g->packed, g->k, panel), width, false, tile, ck_panel_width);
    const ck_epilogue *epilogue = &g->epilogue;
    long run = epilogue->bias_image_stride ? 1 : rows; // rows that surely share a bias
    for (long r = 0; r < rows; r += run) {
        const float *bias = epilogue->bias;
        if (bias) bias += first;
        if (bias && run == 1) bias += (row + r) / g->rows_per_image * epilogue->bias_image_stride;
        const float *residual = epilogue->residual;
        if (residual) residual += (row + r) * epilogue->residual_stride;
        finish_tile(epilogue, tile + r * ck_panel_width, run, first, count, bias, residual,
                    g->c + (row + r) * g->ldc, g->ldc);
    }
}

static void gemm_block(void *user, long item) {
    const gemm *g = user;
    long group = item % g->groups, panels = ck_panels(g->n);
    long start = item / g->groups * gemm_rows, end = ck_min(g->m, start + gemm_rows);
    for (long panel = panels * group / g->groups; panel < panels * (group + 1) / g->groups; panel++) {
        long row = start;
        for (long left = ck_ceil_div(end - start, TILE_ROWS); left > 0; left--) {
            long rows = (end - row) / left;
            gemm_tile(g, row, rows, panel);
            row += rows;
        }
    }
}

static void vector_gemm(ck_pool *pool, long images, long m, long n, long k, const float *a, long lda,
                        const float *packed, ck_epilogue epilogue, float *c, long ldc) {
    long blocks = ck_ceil_div(m, gemm_rows), groups = panel_groups(pool, blocks, ck_panels(n));
    gemm g = {m / images, m, n, k, a, lda, packed, epilogue, c, ldc, groups};
    ck_pool_for(pool, blocks * groups, gemm_block, &g);
}

// MARK: Direct convolution

enum { conv_lines = 8 }; // output lines that share a panel while it is in the second-level cache

typedef struct conv {
    ck_conv_shape shape;
    long out_height, out_width;
    long in_height, in_width; // with padding
    const float *x;
    long ldx;
    long taps[9];
    const float *packed;
    ck_epilogue epilogue;
    float *y;
    long ldy;
    long groups, lines;
} conv;

/// One line of output pixels against one panel.
static void conv_line(const conv *v, long line, long panel) {
    _Alignas(64) float tile[TILE_ROWS * ck_panel_width];
    ck_conv_shape s = v->shape;
    long image = line / v->out_height, in_row = line % v->out_height * s.stride;
    long first = panel * ck_panel_width, width = ck_width_of_panel(s.out_channels, panel);
    long count = ck_min(width, s.out_channels - first), tap_count = (long)s.kernel * s.kernel;
    const float *x = v->x + (image * v->in_height + in_row) * v->in_width * v->ldx;
    const float *bias = v->epilogue.bias;
    if (bias) bias += image * v->epilogue.bias_image_stride + first;
    long column = 0;
    for (long left = ck_ceil_div(v->out_width, TILE_ROWS); left > 0; left--) {
        long pixels = (v->out_width - column) / left, pixel = line * v->out_width + column;
        tile_sum sum = {x + column * s.stride * v->ldx, s.stride * v->ldx, v->taps, tap_count, s.in_channels,
                        v->x, v->packed};
        multiply_tile(pixels, sum, ck_panel(v->packed, tap_count * s.in_channels, panel), width, false, tile,
                      ck_panel_width);
        const float *residual = v->epilogue.residual;
        if (residual) residual += pixel * v->epilogue.residual_stride;
        finish_tile(&v->epilogue, tile, pixels, first, count, bias, residual, v->y + pixel * v->ldy, v->ldy);
        column += pixels;
    }
}

static void conv_block(void *user, long item) {
    const conv *v = user;
    long group = item % v->groups, panels = ck_panels(v->shape.out_channels);
    long start = item / v->groups * v->lines;
    long end = ck_min(v->shape.images * v->out_height, start + v->lines);
    for (long panel = panels * group / v->groups; panel < panels * (group + 1) / v->groups; panel++) {
        for (long line = start; line < end; line++) conv_line(v, line, panel);
    }
}

static void vector_conv(ck_pool *pool, ck_conv_shape shape, const float *x, long ldx, const float *packed,
                        ck_epilogue epilogue, float *y, long ldy) {
    if (shape.kernel == 1 && shape.stride == 1) {
        vector_gemm(pool, shape.images, shape.images * shape.height * shape.width, shape.out_channels,
                    shape.in_channels, x, ldx, packed, epilogue, y, ldy);
        return;
    }
    long border = shape.kernel == 3 ? 2 : 0;
    conv v = {
        .shape = shape,
        .out_height = ck_ceil_div(shape.height, shape.stride),
        .out_width = ck_ceil_div(shape.width, shape.stride),
        .in_height = shape.height + border, .in_width = shape.width + border,
        .x = x, .ldx = ldx, .packed = packed, .epilogue = epilogue, .y = y, .ldy = ldy,
    };
    for (int tap = 0; tap < shape.kernel * shape.kernel; tap++) {
        v.taps[tap] = (tap / shape.kernel * v.in_width + tap % shape.kernel) * ldx;
    }
    long all_lines = shape.images * v.out_height;
    v.lines = all_lines / (4 * ck_pool_threads(pool));
    v.lines = v.lines < 1 ? 1 : ck_min(v.lines, conv_lines);
    long blocks = ck_ceil_div(all_lines, v.lines);
    v.groups = panel_groups(pool, blocks, ck_panels(shape.out_channels));
    ck_pool_for(pool, blocks * v.groups, conv_block, &v);
}
