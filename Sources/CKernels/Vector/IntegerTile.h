// The micro kernel of fast mode: as `Tile.h`, over blocks of integers. A step is a word of each row, two
// inputs, against a row of words of the panel. There is one tap.

typedef int32_t iw __attribute__((ext_vector_type(LANES)));

CK_INLINE void integer_steps(const int rows, const int vectors, const int steps,
                             const float *const thirds[5], long lda, const float *b, long width,
                             iw sums[TILE_ROWS][2]) {
#pragma clang loop unroll(full)
    for (int step = 0; step < steps; step++) {
        iw right[2];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) right[v] = (iw)load_vw(b + step * width + v * LANES);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            iw left = (iw)(vw)thirds[r / 3][r % 3 * lda + step];
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) ADD_PAIRS(sums[r][v], left, right[v]);
        }
    }
}

/// A block's sums, times both scales, onto what `c` holds, or onto zero.
CK_INLINE void add_scaled_sums(const int rows, const int vectors, const bool add,
                               const float *const scales[5], long lda, const float *panel_scales,
                               iw sums[TILE_ROWS][2], float *c, long ldc) {
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
        vw scale = (vw)scales[r / 3][r % 3 * lda];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
            float *to = c + r * ldc + v * LANES;
            vw sum = __builtin_convertvector(sums[r][v], vw);
            vw before = add ? load_vw(to) : (vw)0.0f;
            sum = __builtin_elementwise_fma(sum, scale * load_vw(panel_scales + v * LANES), before);
            __builtin_memcpy(to, &sum, sizeof sum);
        }
    }
}

CK_INLINE void integer_body(const int rows, const int vectors, const tile_sum *sum, const float *b,
                            long width, float *c, long ldc) {
    bool add = sum->add;
    long lda = sum->lda;
    const float *next_rows = sum->next_rows, *next_panel = sum->next_panel, *end = sum->end;
    const char *coming = sum->coming;
    long end_rows = sum->end_rows;
    const float *start = sum->a;
    for (long words = sum->k; words > 0; words -= ck_block_words) {
        long pairs = ck_min(words, ck_block_words) - 1;
        const float *thirds[5], *scales[5], *panel_scales = b;
        for (int i = 0; i < 5; i++) scales[i] = start + 3 * i * lda;
        for (int i = 0; i < 5; i++) thirds[i] = scales[i] + 1;
        b += width;
        iw sums[TILE_ROWS][2];
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) sums[r][v] = (iw)0;
        }
        for (long k = pairs; k > 0; k -= 4, b += 4 * width) {
            // Keeps the compiler from holding one pointer a row, which spills.
            __asm__("" : "+r"(thirds[0]), "+r"(thirds[1]), "+r"(thirds[2]), "+r"(thirds[3]), "+r"(thirds[4]),
                         "+r"(lda), "+r"(b));
            if (next_rows) fetch_rows(&next_rows);
            if (next_panel) fetch_panel(&next_panel);
            fetch_coming(&coming, sum->coming_end);
            fetch_end(&end, sum->end_ld, &end_rows);
            integer_steps(rows, vectors, 4, thirds, lda, b, width, sums);
            for (int i = 0; i < 5; i++) thirds[i] += 4;
        }
        if (add) {
            add_scaled_sums(rows, vectors, true, scales, lda, panel_scales, sums, c, ldc);
        } else {
            add_scaled_sums(rows, vectors, false, scales, lda, panel_scales, sums, c, ldc);
        }
        add = true;
        start += pairs + 1;
    }
}

#define INTEGER_TILES(rows)                                                                                 \
    INTEGER_TARGET __attribute__((noinline)) static void integer_wide_##rows(                               \
        const tile_sum *sum, const float *b, long width, float *c, long ldc) {                              \
        integer_body(rows, 2, sum, b, width, c, ldc);                                                       \
    }                                                                                                       \
    INTEGER_TARGET __attribute__((noinline)) static void integer_narrow_##rows(                             \
        const tile_sum *sum, const float *b, long width, float *c, long ldc) {                              \
        integer_body(rows, 1, sum, b, width, c, ldc);                                                       \
    }

INTEGER_TILES(1) INTEGER_TILES(2) INTEGER_TILES(3) INTEGER_TILES(4) INTEGER_TILES(5) INTEGER_TILES(6)
#if TILE_ROWS > 6
INTEGER_TILES(7) INTEGER_TILES(8) INTEGER_TILES(9) INTEGER_TILES(10) INTEGER_TILES(11) INTEGER_TILES(12)
INTEGER_TILES(13) INTEGER_TILES(14)
#endif

static tile_function *const integer_tiles_wide[TILE_ROWS + 1] = TILE_ROW_LIST(integer_wide);
static tile_function *const integer_tiles_narrow[TILE_ROWS + 1] = TILE_ROW_LIST(integer_narrow);
