// Direct convolution: as the matrix product, with lines of output pixels for rows and the taps' inputs one
// after another for k.

typedef struct conv {
    ck_conv_shape shape;
    long out_height, out_width;
    long in_height, in_width; // with padding
    const float *x;
    long ldx;
    long tap_count, taps[9];
    ck_weights weight;
    ck_epilogue epilogue;
    float *y;
    long ldy;
    work_grid grid;
    float *scratch; // per thread: panels [block_panels][taps·inputs][32]
    long thread_floats;
} conv;

/// One line of output pixels against one panel.
static void conv_line(const conv *v, long line, long panel, const float *weights) {
    _Alignas(64) float tile[TILE_ROWS * ck_panel_width];
    ck_conv_shape s = v->shape;
    long image = line / v->out_height, in_row = line % v->out_height * s.stride;
    long first = panel * ck_panel_width, width = ck_width_of_panel(s.out_channels, panel);
    long count = ck_min(width, s.out_channels - first);
    const float *x = v->x + (image * v->in_height + in_row) * v->in_width * v->ldx;
    const float *bias = v->epilogue.bias;
    if (bias) bias += image * v->epilogue.bias_image_stride + first;
    long column = 0;
    for (long left = ck_ceil_div(v->out_width, TILE_ROWS); left > 0; left--) {
        long pixels = (v->out_width - column) / left, pixel = line * v->out_width + column;
        long ld = s.stride * v->ldx;
        tile_sum sum = {
            .a = x + column * ld, .lda = ld, .taps = v->taps, .tap_count = v->tap_count, .k = s.in_channels};
        multiply_tile(pixels, sum, weights, width, tile, ck_panel_width);
        const float *residual = v->epilogue.residual;
        if (residual) residual += pixel * v->epilogue.residual_stride;
        finish_tile(&v->epilogue, tile, ck_panel_width, pixels, first, count, bias, residual,
                    v->y + pixel * v->ldy, v->ldy);
        column += pixels;
    }
}

static void conv_load(const conv *v, long first, long end, float *panels) {
    long inputs = v->tap_count * v->shape.in_channels;
    for (long panel = first; panel < end; panel++) {
        long output = panel * ck_panel_width;
        weight_block w = {
            .values = (const char *)v->weight.values + output * inputs * ck_type_size(v->weight.type),
            .type = v->weight.type, .output_stride = inputs, .outputs = v->shape.out_channels - output,
            .inputs = inputs, .taps = v->tap_count, .tap_rows = v->shape.in_channels,
        };
        load_panel(&w, ck_width_of_panel(v->shape.out_channels, panel),
                   panels + (panel - first) * ck_panel_width * inputs);
    }
}

static void conv_thread(void *user, int thread) {
    const conv *v = user;
    const work_grid *grid = &v->grid;
    float *panels = v->scratch + thread * v->thread_floats;
    for (long turn = 0; turn < grid->blocks; turn++) {
        long block = block_in_turn(grid, thread, turn);
        long first = first_panel(grid, block), end = first_panel(grid, block + 1);
        bool loaded = false;
        for (long chunk; (chunk = take_chunk(grid, block)) >= 0;) {
            if (!loaded) conv_load(v, first, end, panels);
            loaded = true;
            for (long panel = first; panel < end; panel++) {
                const float *weights =
                    panels + (panel - first) * ck_panel_width * v->tap_count * v->shape.in_channels;
                for (long line = first_row(grid, chunk); line < first_row(grid, chunk + 1); line++) {
                    conv_line(v, line, panel, weights);
                }
            }
        }
    }
}

static void vector_conv(ck_pool *pool, ck_conv_shape shape, const float *x, long ldx, ck_weights weight,
                        ck_epilogue epilogue, float *y, long ldy) {
    if (shape.kernel == 1 && shape.stride == 1) {
        vector_gemm(pool, CK_EXACT, shape.images, shape.images * shape.height * shape.width,
                    shape.out_channels, shape.in_channels, x, ldx, weight, epilogue, y, ldy);
        return;
    }
    long border = shape.kernel == 3 ? 2 : 0;
    conv v = {
        .shape = shape,
        .out_height = ck_ceil_div(shape.height, shape.stride),
        .out_width = ck_ceil_div(shape.width, shape.stride),
        .in_height = shape.height + border, .in_width = shape.width + border,
        .x = x, .ldx = ldx, .tap_count = (long)shape.kernel * shape.kernel, .weight = weight,
        .epilogue = epilogue, .y = y, .ldy = ldy,
    };
    for (int tap = 0; tap < v.tap_count; tap++) {
        v.taps[tap] = (tap / shape.kernel * v.in_width + tap % shape.kernel) * ldx;
    }
    long panel_floats = v.tap_count * shape.in_channels * ck_panel_width;
    v.grid = make_grid(pool, ck_panels(shape.out_channels), panel_budget / panel_floats,
                       shape.images * v.out_height, ck_ceil_div(256, v.out_width));
    v.thread_floats = v.grid.block_panels * panel_floats;
    float *scratch = ck_pool_scratch(pool, (size_t)(grid_floats(&v.grid) + v.grid.threads * v.thread_floats));
    v.scratch = start_grid(&v.grid, scratch);
    ck_pool_run(pool, conv_thread, &v);
}
