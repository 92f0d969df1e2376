// The AVX2 path: 16 registers of eight lanes, tiles of 6 rows × 16 outputs.
#if defined(__x86_64__)

#pragma STDC FP_CONTRACT OFF

#include <immintrin.h>
#include <stdatomic.h>

#include "Dispatch.h"

// Sixteen lanes are two registers here; functions that take them are all inlined, so no calling convention
// is at stake.
#pragma clang diagnostic ignored "-Wpsabi"

#define LANES 8
#define TILE_ROWS 6

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#include "Integers.h"
#include "Scalars.h"
#include "Shared.h"
#include "Weights.h"
#include "WinogradPlan.h"

typedef float ck_sixteen __attribute__((ext_vector_type(16)));

/// All ones in the lanes below `count`, of eight.
CK_INLINE __m256i lane_mask(long count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

CK_INLINE ck_sixteen load_partial(const float *x, long count) {
    ck_sixteen v;
    v.lo = _mm256_maskload_ps(x, lane_mask(count));
    v.hi = _mm256_maskload_ps(x + 8, lane_mask(count - 8));
    return v;
}

CK_INLINE void store_partial(float *y, ck_sixteen v, long count) {
    _mm256_maskstore_ps(y, lane_mask(count), v.lo);
    _mm256_maskstore_ps(y + 8, lane_mask(count - 8), v.hi);
}

typedef uint16_t ck_halves __attribute__((ext_vector_type(16)));

CK_INLINE ck_sixteen widen_f16(ck_halves halves) {
    ck_sixteen v;
    v.lo = _mm256_cvtph_ps((__m128i)halves.lo);
    v.hi = _mm256_cvtph_ps((__m128i)halves.hi);
    return v;
}

/// x·2ⁿ for a whole n in −151…129, rounded once where the result is below the smallest normal number.
CK_INLINE ck_sixteen times_power_of_two(ck_sixteen x, ck_sixteen n) {
    typedef int32_t integers __attribute__((ext_vector_type(16)));
    integers whole = __builtin_convertvector(n, integers), half = whole >> 1;
    return x * (ck_sixteen)((half + 127) << 23) * (ck_sixteen)((whole - half + 127) << 23);
}

#define INTEGER_TARGET

#define ADD_PAIRS(sum, left, right) \
    sum += (iw)_mm256_madd_epi16((__m256i)(left), (__m256i)(right))

#include "Vector/Table.h"

#pragma clang attribute pop

const ck_plain ck_plain_avx2 = CK_PLAIN_TABLE;
const ck_path_table ck_table_avx2 = CK_PATH_TABLE;

#endif
