#pragma STDC FP_CONTRACT OFF

#include "Scalars.h"

float ck_expf(float x) {
    return ck_exp32(x);
}

float ck_logf(float x) {
    return ck_log32(x);
}

float ck_erff(float x) {
    return ck_erf32(x);
}

// MARK: f64, for schedules: about 1 ulp

static const double rounder = 6755399441055744.0; // 1.5·2⁵²
static const double ln2_high = 0x1.62e42fefa3800p-1, ln2_low = 0x1.ef35793c76730p-45;

static int64_t bits_of(double x) {
    int64_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double from_bits(int64_t bits) {
    double x;
    __builtin_memcpy(&x, &bits, sizeof x);
    return x;
}

static double power_of_two(int64_t exponent) {
    return from_bits((exponent + 1023) << 52);
}

/// x = n·ln 2 + r, the series of eʳ to r¹³ by Horner's rule, times 2ⁿ in two factors.
double ck_exp(double x) {
    if (x != x) return x;
    x = x > 710.0 ? 710.0 : x < -746.0 ? -746.0 : x;
    double whole = (x * 1.4426950408889634 + rounder) - rounder;
    double r = __builtin_fma(whole, -ln2_high, x);
    r = __builtin_fma(whole, -ln2_low, r);
    double series = 1.0;
    for (int term = 13; term >= 2; term--) series = __builtin_fma(series, r / term, 1.0);
    series = __builtin_fma(series, r, 1.0);
    int64_t n = (int64_t)whole, half = n >> 1;
    return series * power_of_two(half) * power_of_two(n - half);
}

/// x = m·2ᵉ with √½ ≤ m < √2; ln m = 2·artanh s, s = (m − 1)/(m + 1), by its odd series to s²³.
double ck_log(double x) {
    if (x != x || x < 0.0) return from_bits(0x7ff8000000000000);
    if (x == 0.0) return -__builtin_inf();
    if (x == __builtin_inf()) return x;
    double subnormal = 0.0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        subnormal = 54.0;
    }
    int64_t e = (bits_of(x) - 0x3fe6a09e667f3bcd) >> 52;
    double f = from_bits(bits_of(x) - e * ((int64_t)1 << 52)) - 1.0;
    double exponent = (double)e - subnormal;
    double s = f / (2.0 + f), square = s * s;
    double series = 1.0 / 23.0;
    for (int power = 21; power >= 3; power -= 2) series = __builtin_fma(series, square, 1.0 / power);
    // 2s = f − s·f exactly enough to keep f whole: ln m = f − s·(f − 2·s²·series).
    double tail = s * (f - 2.0 * square * series);
    return __builtin_fma(exponent, ln2_high, f - __builtin_fma(exponent, -ln2_low, tail));
}

/// r in −π/4…π/4 and the quadrant of x, for |x| up to about 10⁸.
static double reduce_quadrant(double x, int64_t *quadrant) {
    double whole = (x * 0.63661977236758134 + rounder) - rounder;
    *quadrant = (int64_t)whole;
    double r = __builtin_fma(whole, -0x1.921fb54442d18p0, x);
    r = __builtin_fma(whole, -0x1.1a62633145c07p-54, r);
    return __builtin_fma(whole, 0x1.f1976b7ed8fbcp-109, r);
}

static double sine_series(double r) {
    double square = r * r, series = 1.0;
    for (int term = 16; term >= 4; term -= 2) {
        series = __builtin_fma(series, -square / (term * (term + 1)), 1.0);
    }
    return __builtin_fma(r * series, -square / 6.0, r);
}

static double cosine_series(double r) {
    double square = r * r, series = 1.0;
    for (int term = 17; term >= 3; term -= 2) {
        series = __builtin_fma(series, -square / (term * (term + 1)), 1.0);
    }
    return __builtin_fma(series, -square / 2.0, 1.0);
}

double ck_sin(double x) {
    int64_t quadrant;
    double r = reduce_quadrant(x, &quadrant);
    double size = quadrant & 1 ? cosine_series(r) : sine_series(r);
    return quadrant & 2 ? -size : size;
}

double ck_cos(double x) {
    int64_t quadrant;
    double r = reduce_quadrant(x, &quadrant);
    double size = quadrant & 1 ? sine_series(r) : cosine_series(r);
    return (quadrant + 1) & 2 ? -size : size;
}

// MARK: Conversions

void ck_f16_to_f32(const uint16_t *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = ck_widen_f16(x[i]);
}

void ck_bf16_to_f32(const uint16_t *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = ck_widen_bf16(x[i]);
}
