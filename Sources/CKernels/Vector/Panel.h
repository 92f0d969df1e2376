// Weights from where they lie into a panel: blocks of 16 outputs × 16 inputs are widened to f32, turned, and
// stored as rows of outputs.

typedef float v4 __attribute__((ext_vector_type(4)));
typedef uint16_t h16 __attribute__((ext_vector_type(16)));
typedef double d4 __attribute__((ext_vector_type(4)));

/// Four consecutive weights of every fourth of sixteen outputs, which lie `step` bytes apart: a quarter of
/// the result an output.
CK_INLINE v16 quarters(const char *row, const ck_type type, long step) {
    if (type == CK_TYPE_F32) {
        v4 q[4];
        for (int i = 0; i < 4; i++) __builtin_memcpy(&q[i], row + i * 4 * step, sizeof q[i]);
        v8 low = __builtin_shufflevector(q[0], q[1], 0, 1, 2, 3, 4, 5, 6, 7);
        v8 high = __builtin_shufflevector(q[2], q[3], 0, 1, 2, 3, 4, 5, 6, 7);
        return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    }
    double q[4]; // four halves each
    for (int i = 0; i < 4; i++) __builtin_memcpy(&q[i], row + i * 4 * step, sizeof q[i]);
    h16 halves = (h16)(d4){q[0], q[1], q[2], q[3]};
    if (type == CK_TYPE_F16) return widen_f16(halves);
    return from_bits16(__builtin_convertvector(halves, i16) << 16);
}

/// Four consecutive inputs of sixteen outputs, which lie `step` bytes apart, as four vectors of outputs.
CK_INLINE void turn4(const char *values, const ck_type type, long step, v16 inputs[4]) {
    v16 a = quarters(values, type, step), b = quarters(values + step, type, step);
    v16 c = quarters(values + 2 * step, type, step), d = quarters(values + 3 * step, type, step);
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

/// `inputs` weights of each of sixteen outputs as f32, [output][ld], where only some exist: the rest is zero.
/// Nothing past the tensor is read: it may end where the mapping does.
static void stage_part(const char *values, ck_type type, long step, long outputs, long inputs, float *staged,
                       long ld) {
    __builtin_memset(staged, 0, (size_t)(16 * ld) * sizeof(float));
    for (long output = 0; output < ck_min(16, outputs); output++, values += step) {
        ck_weights row = {values, type};
        for (long input = 0; input < inputs; input++) staged[output * ld + input] = ck_weight_at(row, input);
    }
}

/// Sixteen outputs into a panel's column: row tap·tap_rows + channel holds weight channel·taps + tap.
CK_INLINE void load_column(const weight_block *w, const ck_type type, long first, long width, float *column) {
    _Alignas(64) float staged[16 * 16];
    long step = w->output_stride * ck_type_size(type), outputs = w->outputs - first;
    const char *values = w->values + first * step;
    long next_tap = w->tap_rows * width, back = w->taps * next_tap - width, tap = 0;
    for (long left = w->inputs; left > 0; left -= 16, values += 16 * ck_type_size(type)) {
        bool full = outputs >= 16 && left >= 16;
        if (!full) stage_part(values, type, step, outputs, ck_min(16, left), staged, 16);
#pragma clang loop unroll(full)
        for (int input = 0; input < 16; input += 4) {
            v16 turned[4];
            if (full) {
                turn4(values + input * ck_type_size(type), type, step, turned);
            } else {
                turn4((const char *)(staged + input), CK_TYPE_F32, 16 * sizeof(float), turned);
            }
#pragma clang loop unroll(full)
            for (int i = 0; i < 4; i++) {
                if (input + i >= left) return;
                store16(column, turned[i]);
                column += next_tap;
                if (++tap == w->taps) {
                    tap = 0;
                    column -= back;
                }
            }
        }
    }
}

CK_INLINE void load_columns(const weight_block *w, const ck_type type, long width, float *panel) {
    for (long first = 0; first < width; first += 16) {
        load_column(w, type, first, width, panel + first);
    }
}

/// Brings `w` into a panel of `width` outputs.
static void load_panel(const weight_block *w, long width, float *panel) {
    switch (w->type) {
    case CK_TYPE_F32: load_columns(w, CK_TYPE_F32, width, panel); break;
    case CK_TYPE_F16: load_columns(w, CK_TYPE_F16, width, panel); break;
    case CK_TYPE_BF16: load_columns(w, CK_TYPE_BF16, width, panel); break;
    }
}
