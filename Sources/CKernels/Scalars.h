/// The f32 functions of the networks, one element at a time. `Vector/Math.h` repeats each of them, step by
/// step, on sixteen lanes; a change here is a change there.
///
/// Rounding to the nearest integer adds and takes away 1.5·2²³, which leaves the integer in the low bits.
#ifndef TESSERA_CKERNELS_SCALARS_H
#define TESSERA_CKERNELS_SCALARS_H

#include "include/CKernels.h"

#define CK_ROUNDER 12582912.0f // 1.5·2²³
#define ck_log2_e 1.44269504f
#define ck_ln_2 0.693147181f

static inline int32_t ck_bits(float x) {
    int32_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float ck_from_bits(int32_t bits) {
    float x;
    __builtin_memcpy(&x, &bits, sizeof x);
    return x;
}

/// How much the bits of `to` are above those of `from`, wrapping: numbers outside a function's domain (and
/// NaN) must give the same nonsense everywhere.
static inline int32_t ck_bits_between(float from, float to) {
    return (int32_t)((uint32_t)ck_bits(to) - (uint32_t)ck_bits(from));
}

static inline float ck_power_of_two(int32_t exponent) {
    return ck_from_bits((int32_t)(((uint32_t)exponent + 127) << 23));
}

/// IEEE half: rebias the exponent by multiplying with 2¹¹², which also makes subnormals normal; infinities
/// and NaNs keep their fraction.
static inline float ck_widen_f16(uint16_t half) {
    int32_t sign = (int32_t)((uint32_t)(half & 0x8000) << 16);
    int32_t size = (half & 0x7fff) << 13;
    int32_t finite = ck_bits(ck_from_bits(size) * 0x1p112f);
    int32_t special = size | 0x7f800000;
    return ck_from_bits(sign | ((half & 0x7c00) == 0x7c00 ? special : finite));
}

/// bfloat16 is the upper half of an f32.
static inline float ck_widen_bf16(uint16_t half) {
    return ck_from_bits((int32_t)((uint32_t)half << 16));
}

static inline float ck_fma(float a, float b, float c) {
    return __builtin_fmaf(a, b, c);
}

/// eˣ within 2 ulp: x = n·ln 2 + r, a polynomial of r (constants of Cephes' expf), then 2ⁿ in two factors
/// so that results below the smallest normal number round once and results above the largest become
/// infinite.
static inline float ck_exp32(float x) {
    x = x > 89.0f ? 89.0f : x;
    x = x < -104.0f ? -104.0f : x;
    float shifted = ck_fma(x, ck_log2_e, CK_ROUNDER);
    int32_t n = ck_bits_between(CK_ROUNDER, shifted);
    float whole = shifted - CK_ROUNDER;
    float r = ck_fma(whole, -0.693359375f, x);
    r = ck_fma(whole, 2.12194440e-4f, r);
    float p = ck_fma(1.9875691500e-4f, r, 1.3981999507e-3f);
    p = ck_fma(p, r, 8.3334519073e-3f);
    p = ck_fma(p, r, 4.1665795894e-2f);
    p = ck_fma(p, r, 1.6666665459e-1f);
    p = ck_fma(p, r, 5.0000001201e-1f);
    p = ck_fma(p, r * r, r) + 1.0f;
    int32_t half = n >> 1;
    return p * ck_power_of_two(half) * ck_power_of_two(n - half);
}

/// Whole number nearest to 4095·2ˣ for x ≤ 0: a weight of attention, of which `ck_key_block` as a block are
/// not too long (see `Integers.h`). A polynomial of the fraction, a least-squares fit on Chebyshev nodes,
/// within 3e-6.
static inline int32_t ck_share32(float x) {
    x = x > -64.0f ? x : -64.0f;
    float shifted = x + CK_ROUNDER;
    float r = x - (shifted - CK_ROUNDER);
    float p = ck_fma(3.91502893e1f, r, 2.28980275e2f);
    p = ck_fma(p, r, 9.83822977e2f);
    p = ck_fma(p, r, 2.83833446e3f);
    p = ck_fma(p, r, 4.09499669e3f);
    p = ck_from_bits(ck_bits(p) + (int32_t)((uint32_t)ck_bits(shifted) << 23));
    return ck_bits_between(CK_ROUNDER, p + CK_ROUNDER);
}

/// ln x of a positive normal number within 2e-7 relative (constants of Cephes' logf): x = m·2ᵉ, √½ ≤ m < √2.
static inline float ck_log32(float x) {
    int32_t e = ck_bits_between(0.707106769f, x) >> 23;
    float f = ck_from_bits((int32_t)((uint32_t)ck_bits(x) - ((uint32_t)e << 23))) - 1.0f;
    float exponent = (float)e;
    float z = f * f;
    float p = ck_fma(7.0376836292e-2f, f, -1.1514610310e-1f);
    p = ck_fma(p, f, 1.1676998740e-1f);
    p = ck_fma(p, f, -1.2420140846e-1f);
    p = ck_fma(p, f, 1.4249322787e-1f);
    p = ck_fma(p, f, -1.6668057665e-1f);
    p = ck_fma(p, f, 2.0000714765e-1f);
    p = ck_fma(p, f, -2.4999993993e-1f);
    p = ck_fma(p, f, 3.3333331174e-1f);
    p = p * f * z;
    p = ck_fma(exponent, -2.12194440e-4f, p);
    p = ck_fma(z, -0.5f, p);
    return ck_fma(exponent, 0.693359375f, f + p);
}

/// sin x and cos x for |x| up to about 1000 within 1e-7: x = n·π/2 + r, |r| ≤ π/4 (constants of Cephes'
/// sinf).
static inline void ck_sincos32(float x, float *sine, float *cosine) {
    float shifted = ck_fma(x, 0.636619772f, CK_ROUNDER);
    int32_t n = ck_bits_between(CK_ROUNDER, shifted);
    float whole = shifted - CK_ROUNDER;
    float r = ck_fma(whole, -1.5703125f, x);
    r = ck_fma(whole, -4.83751296997e-4f, r);
    r = ck_fma(whole, -7.54978994877e-8f, r);
    float z = r * r;
    float s = ck_fma(-1.9515295891e-4f, z, 8.3321608736e-3f);
    s = ck_fma(s, z, -1.6666654611e-1f);
    s = ck_fma(s * z, r, r);
    float c = ck_fma(2.443315711809948e-5f, z, -1.388731625493765e-3f);
    c = ck_fma(c, z, 4.166664568298827e-2f);
    c = ck_fma(c, z * z, ck_fma(z, -0.5f, 1.0f));
    bool swap = n & 1;
    float sine_size = swap ? c : s, cosine_size = swap ? s : c;
    *sine = n & 2 ? -sine_size : sine_size;
    *cosine = (n + 1) & 2 ? -cosine_size : cosine_size;
}

/// erf x within 1e-7: x + x·P(x²) for |x| < 1, else ±(1 − exp(−Q(|x|))); P and Q are least-squares fits on
/// Chebyshev nodes of erf(x)/x − 1 on 0…1 and of −ln erfc on 1…4.
static inline float ck_erf32(float x) {
    float square = x * x;
    float p = ck_fma(7.88249745e-5f, square, -8.01885501e-4f);
    p = ck_fma(p, square, 5.18931216e-3f);
    p = ck_fma(p, square, -2.68543288e-2f);
    p = ck_fma(p, square, 1.12835974e-1f);
    p = ck_fma(p, square, -3.7612626e-1f);
    p = ck_fma(p, square, 1.28379166e-1f);
    float near = ck_fma(p, x, x);
    float size = x < 0.0f ? -x : x;
    float t = size > 4.0f ? 4.0f : size;
    float q = ck_fma(1.82845088e-5f, t, -3.9661245e-4f);
    q = ck_fma(q, t, 3.95901781e-3f);
    q = ck_fma(q, t, -2.44784597e-2f);
    q = ck_fma(q, t, 1.07150242e-1f);
    q = ck_fma(q, t, 6.34509265e-1f);
    q = ck_fma(q, t, 1.12886798f);
    q = ck_fma(q, t, -2.42708338e-5f);
    float far = 1.0f - ck_exp32(-q);
    far = x < 0.0f ? -far : far;
    return size < 1.0f ? near : far;
}

static inline float ck_activate32(ck_activation activation, float x) {
    switch (activation) {
    case CK_ACTIVATION_NONE: return x;
    case CK_ACTIVATION_SILU: return x / (1.0f + ck_exp32(-x));
    case CK_ACTIVATION_GELU: return 0.5f * x * (1.0f + ck_erf32(x * 0.707106781f));
    case CK_ACTIVATION_QUICK_GELU: return x / (1.0f + ck_exp32(-1.702f * x));
    }
    return x;
}

/// One element's end of a matrix product or convolution.
static inline float ck_finish32(const ck_epilogue *epilogue, float sum, long image, long channel,
                                const float *residual) {
    if (epilogue->bias) sum += epilogue->bias[image * epilogue->bias_image_stride + channel];
    sum = ck_activate32(epilogue->activation, sum);
    if (residual) sum += residual[channel];
    return sum * epilogue->scale;
}

/// Sixteen lanes added as a tree, halves onto halves: the one order of every reduction.
static inline float ck_sum_lanes(const float *lanes) {
    float sums[16];
    for (int lane = 0; lane < 16; lane++) sums[lane] = lanes[lane];
    for (int half = 8; half > 0; half /= 2) {
        for (int lane = 0; lane < half; lane++) sums[lane] += sums[lane + half];
    }
    return sums[0];
}

#endif
