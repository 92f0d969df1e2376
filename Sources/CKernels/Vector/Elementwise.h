// Activations, noise, and the loops that measure peaks.

enum { activation_block = 8192 };

typedef struct activation_work {
    ck_activation activation;
    const float *x;
    float *y;
    long count;
} activation_work;

CK_INLINE void activate_range(const ck_activation activation, const float *x, float *y, long count) {
    for (long i = 0; i < count; i += 16) {
        store_up_to(y + i, activate16(activation, load_up_to(x + i, count - i)), count - i);
    }
}

static void activate_block(void *user, long item) {
    const activation_work *w = user;
    const float *x = w->x + item * activation_block;
    float *y = w->y + item * activation_block;
    long count = ck_min(activation_block, w->count - item * activation_block);
    switch (w->activation) {
    case CK_ACTIVATION_NONE: activate_range(CK_ACTIVATION_NONE, x, y, count); break;
    case CK_ACTIVATION_SILU: activate_range(CK_ACTIVATION_SILU, x, y, count); break;
    case CK_ACTIVATION_GELU: activate_range(CK_ACTIVATION_GELU, x, y, count); break;
    case CK_ACTIVATION_QUICK_GELU: activate_range(CK_ACTIVATION_QUICK_GELU, x, y, count); break;
    }
}

static void vector_activate(ck_pool *pool, ck_activation activation, const float *x, float *y, size_t count) {
    activation_work w = {activation, x, y, (long)count};
    ck_pool_for(pool, ck_ceil_div(w.count, activation_block), activate_block, &w);
}

// MARK: Noise

typedef struct noise_work {
    float *x;
    long pairs; // of blocks of 16
    long blocks;
} noise_work;

/// Two blocks of 16 at once: the first eight numbers of both are radii, the others angles.
static void box_muller_pair(float *first, float *second) {
    v16 a = load16(first), b = load16(second), uniform, turn, sine, cosine;
    uniform.lo = a.lo;
    uniform.hi = b.lo;
    turn.lo = a.hi;
    turn.hi = b.hi;
    v16 radius = __builtin_elementwise_sqrt(-2.0f * log16(1.0f - uniform));
    sincos16(6.28318531f * turn, &sine, &cosine);
    v16 x = radius * cosine, y = radius * sine;
    a.lo = x.lo;
    a.hi = y.lo;
    b.lo = x.hi;
    b.hi = y.hi;
    store16(first, a);
    store16(second, b);
}

static void noise_body(void *user, long item) {
    const noise_work *w = user;
    float *first = w->x + item * 32, unused[16] = {0};
    box_muller_pair(first, item * 2 + 1 < w->blocks ? first + 16 : unused);
}

static void vector_box_muller16(ck_pool *pool, float *x, size_t count) {
    noise_work w = {.x = x, .blocks = (long)count / 16};
    ck_pool_for(pool, ck_ceil_div(w.blocks, 2), noise_body, &w);
}

// MARK: Peaks

static double spend_flops(long rounds, float *sink) {
    vw sums[16];
    for (int i = 0; i < 16; i++) sums[i] = (vw)(float)i;
    vw factor = (vw)0.999f, term = (vw)0.5f;
    __asm__ volatile("" : "+v"(factor), "+v"(term));
    for (long round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < 12; i++) sums[i] = __builtin_elementwise_fma(sums[i], factor, term);
    }
    for (int i = 0; i < 12; i++) *sink += sums[i][0];
    return (double)rounds * 12 * LANES * 2;
}

INTEGER_TARGET static double spend_integer_ops(long rounds, float *sink) {
    iw sums[12], left = (iw)3, right = (iw)5;
    for (int i = 0; i < 12; i++) sums[i] = (iw)i;
    __asm__ volatile("" : "+v"(left), "+v"(right));
    for (long round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < 12; i++) ADD_PAIRS(sums[i], left, right);
        __asm__ volatile("" : "+v"(left), "+v"(right));
    }
    for (int i = 0; i < 12; i++) *sink += (float)sums[i][0];
    return (double)rounds * 12 * LANES * 4;
}

static float read_all(const float *x, size_t count) {
    v16 sums[4] = {0};
    for (size_t i = 0; i < count; i += 64) {
        for (int v = 0; v < 4; v++) sums[v] += load16(x + i + v * 16);
    }
    return sum16((sums[0] + sums[1]) + (sums[2] + sums[3]));
}
