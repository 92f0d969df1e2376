// Weights from where they lie into a panel: blocks of 16 outputs × 16 inputs are widened to f32, turned, and
// stored as rows of outputs.

typedef float v4 __attribute__((ext_vector_type(4)));
typedef uint16_t h16 __attribute__((ext_vector_type(16)));

/// Sixteen weights of one output from `at` on, of which `count` exist; the rest is zero.
CK_INLINE v16 widen16(const char *at, const ck_type type, long count) {
    char copy[64] = {0};
    if (count < 16) { // nothing past the tensor is read: it may end where the mapping does
        __builtin_memcpy(copy, at, (size_t)(count * ck_type_size(type)));
        at = copy;
    }
    if (type == CK_TYPE_F32) return load16((const float *)(const void *)at);
    h16 halves;
    __builtin_memcpy(&halves, at, sizeof halves);
    if (type == CK_TYPE_F16) return widen_f16(halves);
    return from_bits16(__builtin_convertvector(halves, i16) << 16);
}

/// Outputs 0–3 of four inputs are columns of the result's first quarters, outputs 4–7 of its second, …
CK_INLINE v16 quarters(const float *row) {
    v4 q[4];
    for (int i = 0; i < 4; i++) __builtin_memcpy(&q[i], row + i * 4 * 16, sizeof q[i]);
    v8 low = __builtin_shufflevector(q[0], q[1], 0, 1, 2, 3, 4, 5, 6, 7);
    v8 high = __builtin_shufflevector(q[2], q[3], 0, 1, 2, 3, 4, 5, 6, 7);
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

/// Four inputs of a staged block [16 outputs][16 inputs] as four vectors of outputs.
CK_INLINE void turn4(const float *staged, v16 inputs[4]) {
    v16 a = quarters(staged), b = quarters(staged + 16), c = quarters(staged + 32), d = quarters(staged + 48);
#define PICK(x, y, i, j)                                                                                     \
    __builtin_shufflevector(x, y, i, i + 16, j, j + 16, i + 4, i + 20, j + 4, j + 20, i + 8, i + 24, j + 8, \
                            j + 24, i + 12, i + 28, j + 12, j + 28)
#define JOIN(x, y, i)                                                                                        \
    __builtin_shufflevector(x, y, i, i + 1, i + 16, i + 17, i + 4, i + 5, i + 20, i + 21, i + 8, i + 9,     \
                            i + 24, i + 25, i + 12, i + 13, i + 28, i + 29)
    v16 ab_low = PICK(a, b, 0, 1), ab_high = PICK(a, b, 2, 3);
    v16 cd_low = PICK(c, d, 0, 1), cd_high = PICK(c, d, 2, 3);
    inputs[0] = JOIN(ab_low, cd_low, 0);
    inputs[1] = JOIN(ab_low, cd_low, 2);
    inputs[2] = JOIN(ab_high, cd_high, 0);
    inputs[3] = JOIN(ab_high, cd_high, 2);
#undef PICK
#undef JOIN
}

/// Weights of consecutive outputs as a panel reads them.
typedef struct weight_block {
    const char *values; // weight of the first output and the first input
    ck_type type;
    long output_stride; // weights between two outputs
    long outputs;       // that exist from the first one on
    long inputs;        // wanted of each output
    long taps, tap_rows; // consecutive weights are the taps of a channel; a tap's rows lie together
} weight_block;

/// Sixteen outputs from `first` on into column `first` of a panel.
CK_INLINE void load_column(const weight_block *w, const ck_type type, long first, long width, float *panel) {
    _Alignas(64) float staged[16 * 16];
    long size = ck_type_size(type), tap = 0, channel = 0;
    for (long input = 0; input < w->inputs; input += 16) {
        long inputs = ck_min(16, w->inputs - input);
        const char *values = w->values + (first * w->output_stride + input) * size;
        for (long output = 0; output < 16; output++, values += w->output_stride * size) {
            bool exists = first + output < w->outputs;
            store16(staged + output * 16, exists ? widen16(values, type, inputs) : splat(0.0f));
        }
        for (long i = 0; i < inputs; i += 4) {
            v16 rows[4];
            turn4(staged + i, rows);
            for (long j = 0; j < ck_min(4, inputs - i); j++) {
                store16(panel + (tap * w->tap_rows + channel) * width + first, rows[j]);
                tap++;
                if (tap == w->taps) {
                    tap = 0;
                    channel++;
                }
            }
        }
    }
}

/// Brings `w` into a panel of `width` outputs: row tap·tap_rows + channel holds weight channel·taps + tap.
static void load_panel(const weight_block *w, long width, float *panel) {
    for (long first = 0; first < width; first += 16) {
        switch (w->type) {
        case CK_TYPE_F32: load_column(w, CK_TYPE_F32, first, width, panel); break;
        case CK_TYPE_F16: load_column(w, CK_TYPE_F16, first, width, panel); break;
        case CK_TYPE_BF16: load_column(w, CK_TYPE_BF16, first, width, panel); break;
        }
    }
}
