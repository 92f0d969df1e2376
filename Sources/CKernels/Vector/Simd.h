// Vectors of one path. Included inside the path's target attribute; no include guard.
//
// `v16` is sixteen lanes on every path (two registers on AVX2), so that reductions have one lane structure;
// `vw` is one register, `LANES` wide, for the matrix products, which vectorise over outputs and need no
// such care.

typedef float v16 __attribute__((ext_vector_type(16)));
typedef double d16 __attribute__((ext_vector_type(16)));
typedef int32_t i16 __attribute__((ext_vector_type(16)));
typedef float v8 __attribute__((ext_vector_type(8)));
typedef float vw __attribute__((ext_vector_type(LANES)));

CK_INLINE v16 load16(const float *x) {
    v16 v;
    __builtin_memcpy(&v, x, sizeof v);
    return v;
}

CK_INLINE void store16(float *y, v16 v) {
    __builtin_memcpy(y, &v, sizeof v);
}

CK_INLINE d16 load16d(const double *x) {
    d16 v;
    __builtin_memcpy(&v, x, sizeof v);
    return v;
}

CK_INLINE void store16d(double *y, d16 v) {
    __builtin_memcpy(y, &v, sizeof v);
}

/// Loads `count` lanes when that is below 16, else all; the rest is zero and its memory is not touched.
CK_INLINE v16 load_up_to(const float *x, long count) {
    return count >= 16 ? load16(x) : load_partial(x, count);
}

CK_INLINE void store_up_to(float *y, v16 v, long count) {
    if (count >= 16) {
        store16(y, v);
    } else {
        store_partial(y, v, count);
    }
}

/// Stores past the caches, for outputs so large that they would only push everything else out. Whole lines
/// only.
CK_INLINE void stream16(float *y, v16 v) {
    if (((uintptr_t)y & 63) == 0) {
        __builtin_nontemporal_store(v, (v16 *)(void *)y);
    } else {
        store16(y, v);
    }
}

CK_INLINE v16 splat(float x) {
    return (v16)x;
}

CK_INLINE v16 fma16(v16 a, v16 b, v16 c) {
    return __builtin_elementwise_fma(a, b, c);
}

/// `yes` where `mask` is all ones, `no` where it is zero.
CK_INLINE v16 choose(i16 mask, v16 yes, v16 no) {
    return mask ? yes : no;
}

/// Halves onto halves, as `ck_sum_lanes`.
CK_INLINE float sum16(v16 v) {
    v8 eight = v.lo + v.hi;
    float four[4], two[2];
    for (int i = 0; i < 4; i++) four[i] = eight[i] + eight[i + 4];
    for (int i = 0; i < 2; i++) two[i] = four[i] + four[i + 2];
    return two[0] + two[1];
}

CK_INLINE float max16(v16 v) {
    float most = v[0];
    for (int lane = 1; lane < 16; lane++) most = v[lane] > most ? v[lane] : most;
    return most;
}
