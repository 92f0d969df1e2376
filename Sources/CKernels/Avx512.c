// The AVX-512 path: 32 registers of sixteen lanes, tiles of 14 rows × 32 outputs.
#if defined(__x86_64__)

#pragma STDC FP_CONTRACT OFF

#include <immintrin.h>
#include <stdatomic.h>

#include "Dispatch.h"

#define LANES 16
#define TILE_ROWS 14

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma"))), \
                             apply_to = function)

#include "Integers.h"
#include "Scalars.h"
#include "Shared.h"
#include "Weights.h"
#include "WinogradPlan.h"

CK_INLINE __m512 load_partial(const float *x, long count) {
    return _mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), x);
}

CK_INLINE void store_partial(float *y, __m512 v, long count) {
    _mm512_mask_storeu_ps(y, (__mmask16)((1u << count) - 1), v);
}

typedef uint16_t ck_halves __attribute__((ext_vector_type(16)));

CK_INLINE __m512 widen_f16(ck_halves halves) {
    return _mm512_cvtph_ps((__m256i)halves);
}

/// x·2ⁿ for a whole n in −151…129, rounded once where the result is below the smallest normal number.
CK_INLINE __m512 times_power_of_two(__m512 x, __m512 n) {
    return _mm512_scalef_ps(x, n);
}

#define INTEGER_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,avx512vnni")))

// An intrinsic would be taken apart into a product and a sum by clang 21, at half the speed.
#define ADD_PAIRS(sum, left, right) __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(left), "v"(right))

#include "Vector/Table.h"

#pragma clang attribute pop

const ck_plain ck_plain_avx512 = CK_PLAIN_TABLE;
const ck_path_table ck_table_avx512 = CK_PATH_TABLE;

#endif
