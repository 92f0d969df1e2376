// Rows against a panel, by tiles of either kind.

/// `rows` ≤ TILE_ROWS rows against one panel.
CK_INLINE void multiply_tile(long rows, tile_sum sum, const float *panel, long width, float *c, long ldc) {
    for (long column = 0; column < width; column += 2 * LANES) {
        bool wide = width - column >= 2 * LANES;
        tile_function *function = (wide ? tiles_wide : tiles_narrow)[sum.add][rows];
        if (sum.integers) function = (wide ? integer_tiles_wide : integer_tiles_narrow)[rows];
        function(&sum, panel + column, width, c + column, ldc);
    }
}

/// Any number of rows against one panel, in tiles as equal as they can be. Where `next_rows` is set, the rows
/// after a tile's own are fetched ahead, taken to lie one after another; of `next_panel` and of what comes, a
/// part with each tile.
static void multiply_rows(long rows, tile_sum sum, const float *panel, long width, float *c, long ldc) {
    for (long left = ck_ceil_div(rows, TILE_ROWS); left > 0; left--) {
        long part = rows / left;
        if (sum.next_rows) sum.next_rows = sum.a + part * sum.lda;
        multiply_tile(part, sum, panel, width, c, ldc);
        rows -= part;
        sum.a += part * sum.lda;
        if (sum.next_panel) sum.next_panel += 8 * sum.k;
        if (sum.coming) sum.coming += 16 * sum.k;
        c += part * ldc;
    }
}

static const long single_tap[1] = {0};

/// Floats (or words of fast mode's blocks) that `inputs` inputs of a row take.
CK_INLINE long row_length(bool integers, long inputs) {
    return integers ? ck_words(inputs) : inputs;
}
