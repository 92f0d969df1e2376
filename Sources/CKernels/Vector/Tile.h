// The micro kernel: a tile of TILE_ROWS rows by two registers of outputs, kept in registers over the whole
// sum.
//
// Row r of the left side is at a + r·lda; its inputs come tap by tap, `k` floats from each of the offsets
// in `taps`. The right side is a packed panel `width` wide. Each output is one chain of FMAs from zero, or
// from what `c` holds when `add` is set.

typedef struct tile_sum {
    const float *a;
    long lda;
    const long *taps;
    long tap_count, k;
    // What a later tile reads, fetched ahead while this one computes; null where it is near already: a
    // product of 480×320→320 reached 0.82 of the peak with such fetches and 0.86 without.
    const float *next_rows, *next_panel;
    // What comes from memory meanwhile, fetched a line with each four inputs.
    const char *coming, *coming_end;
    // Where the finished sums will be written, `end_rows` rows, one fetched with each four inputs.
    const float *end;
    long end_ld, end_rows;
    bool integers; // `a`, `k` and the panel are words of fast mode's blocks
    bool add;
} tile_sum;

CK_INLINE vw load_vw(const float *x) {
    vw v;
    __builtin_memcpy(&v, x, sizeof v);
    return v;
}

/// Inputs `k` ..< `k + steps` of every row. Rows are reached from every third one, whose pointers are kept,
/// so that an address is one base, one index and a constant.
CK_INLINE void tile_steps(const int rows, const int vectors, const int steps, const float *const thirds[5],
                          long lda, const float *b, long width, vw sums[TILE_ROWS][2]) {
#pragma clang loop unroll(full)
    for (int step = 0; step < steps; step++) {
        vw right[2];
        for (int v = 0; v < vectors; v++) right[v] = load_vw(b + step * width + v * LANES);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            vw left = (vw)thirds[r / 3][r % 3 * lda + step];
            for (int v = 0; v < vectors; v++) {
                sums[r][v] = __builtin_elementwise_fma(left, right[v], sums[r][v]);
            }
        }
    }
}

/// Fetches the part of a later tile's rows that goes with four inputs of this one.
CK_INLINE void fetch_rows(const float **next) {
    for (int line = 0; line < 3; line++) __builtin_prefetch(*next + line * 16, 0, 2);
    *next += 48;
}

/// The same of a later tile's panel.
CK_INLINE void fetch_panel(const float **next) {
    for (int line = 0; line < 2; line++) __builtin_prefetch(*next + line * 16, 0, 2);
    *next += 32;
}

/// Fetches a line of what comes from memory.
CK_INLINE void fetch_coming(const char **next, const char *end) {
    if (*next >= end) return;
    __builtin_prefetch(*next, 0, 2);
    *next += 64;
}

/// Fetches a row of where the sums will be written.
CK_INLINE void fetch_end(const float **end, long ld, long *rows) {
    if (*rows <= 0) return;
    for (int line = 0; line < 2; line++) __builtin_prefetch(*end + line * 16, 1, 3);
    *end += ld;
    --*rows;
}

CK_INLINE void tile_body(const int rows, const int vectors, const bool add, const tile_sum *sum,
                         const float *b, long width, float *c, long ldc) {
    vw sums[TILE_ROWS][2];
    for (int r = 0; r < rows; r++) {
        for (int v = 0; v < vectors; v++) sums[r][v] = add ? load_vw(c + r * ldc + v * LANES) : (vw)0.0f;
    }
    long lda = sum->lda;
    const float *next_rows = sum->next_rows, *next_panel = sum->next_panel, *end = sum->end;
    const char *coming = sum->coming;
    long end_rows = sum->end_rows;
    for (long tap = 0; tap < sum->tap_count; tap++) {
        const float *thirds[5];
        for (int i = 0; i < 5; i++) thirds[i] = sum->a + sum->taps[tap] + 3 * i * lda;
        long k = sum->k;
        for (; k >= 4; k -= 4, b += 4 * width) {
            // Keeps the compiler from holding one pointer a row, which spills.
            __asm__("" : "+r"(thirds[0]), "+r"(thirds[1]), "+r"(thirds[2]), "+r"(thirds[3]), "+r"(thirds[4]),
                         "+r"(lda), "+r"(b));
            if (next_rows) fetch_rows(&next_rows);
            if (next_panel) fetch_panel(&next_panel);
            fetch_coming(&coming, sum->coming_end);
            fetch_end(&end, sum->end_ld, &end_rows);
            tile_steps(rows, vectors, 4, thirds, lda, b, width, sums);
            for (int i = 0; i < 5; i++) thirds[i] += 4;
        }
        for (; k > 0; k--, b += width) {
            tile_steps(rows, vectors, 1, thirds, lda, b, width, sums);
            for (int i = 0; i < 5; i++) thirds[i]++;
        }
    }
    for (int r = 0; r < rows; r++) {
        for (int v = 0; v < vectors; v++) __builtin_memcpy(c + r * ldc + v * LANES, &sums[r][v], sizeof(vw));
    }
}

typedef void tile_function(const tile_sum *sum, const float *b, long width, float *c, long ldc);

#define TILE_KINDS(rows)                                                                                     \
    __attribute__((noinline)) static void tile_wide_##rows(const tile_sum *sum, const float *b, long width, \
                                                           float *c, long ldc) {                            \
        tile_body(rows, 2, false, sum, b, width, c, ldc);                                                    \
    }                                                                                                        \
    __attribute__((noinline)) static void tile_narrow_##rows(const tile_sum *sum, const float *b,           \
                                                             long width, float *c, long ldc) {              \
        tile_body(rows, 1, false, sum, b, width, c, ldc);                                                    \
    }                                                                                                        \
    __attribute__((noinline)) static void tile_wide_add_##rows(const tile_sum *sum, const float *b,         \
                                                               long width, float *c, long ldc) {            \
        tile_body(rows, 2, true, sum, b, width, c, ldc);                                                     \
    }                                                                                                        \
    __attribute__((noinline)) static void tile_narrow_add_##rows(const tile_sum *sum, const float *b,       \
                                                                 long width, float *c, long ldc) {          \
        tile_body(rows, 1, true, sum, b, width, c, ldc);                                                     \
    }

TILE_KINDS(1) TILE_KINDS(2) TILE_KINDS(3) TILE_KINDS(4) TILE_KINDS(5) TILE_KINDS(6)
#if TILE_ROWS > 6
TILE_KINDS(7) TILE_KINDS(8) TILE_KINDS(9) TILE_KINDS(10) TILE_KINDS(11) TILE_KINDS(12)
TILE_KINDS(13) TILE_KINDS(14)
#define TILE_ROW_LIST(kind)                                                                              \
    {0, kind##_1, kind##_2, kind##_3, kind##_4, kind##_5, kind##_6, kind##_7, kind##_8, kind##_9,       \
     kind##_10, kind##_11, kind##_12, kind##_13, kind##_14}
#else
#define TILE_ROW_LIST(kind) {0, kind##_1, kind##_2, kind##_3, kind##_4, kind##_5, kind##_6}
#endif

static tile_function *const tiles_wide[2][TILE_ROWS + 1] = {TILE_ROW_LIST(tile_wide),
                                                            TILE_ROW_LIST(tile_wide_add)};
static tile_function *const tiles_narrow[2][TILE_ROWS + 1] = {TILE_ROW_LIST(tile_narrow),
                                                              TILE_ROW_LIST(tile_narrow_add)};
