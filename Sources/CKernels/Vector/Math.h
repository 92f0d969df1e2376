// `Scalars.h` on sixteen lanes: the same steps with the same constants, so the same bits.

CK_INLINE i16 bits16(v16 x) {
    return (i16)x;
}

CK_INLINE v16 from_bits16(i16 bits) {
    return (v16)bits;
}

CK_INLINE v16 exp16(v16 x) {
    x = choose(x > 89.0f, splat(89.0f), x);
    x = choose(x < -104.0f, splat(-104.0f), x);
    v16 shifted = fma16(x, splat(ck_log2_e), splat(CK_ROUNDER));
    v16 whole = shifted - CK_ROUNDER;
    v16 r = fma16(whole, splat(-0.693359375f), x);
    r = fma16(whole, splat(2.12194440e-4f), r);
    v16 p = fma16(splat(1.9875691500e-4f), r, splat(1.3981999507e-3f));
    p = fma16(p, r, splat(8.3334519073e-3f));
    p = fma16(p, r, splat(4.1665795894e-2f));
    p = fma16(p, r, splat(1.6666665459e-1f));
    p = fma16(p, r, splat(5.0000001201e-1f));
    return times_power_of_two(fma16(p, r * r, r) + 1.0f, whole);
}

CK_INLINE i16 share16(v16 x) {
    x = choose(x > -64.0f, x, splat(-64.0f));
    v16 shifted = x + CK_ROUNDER;
    v16 r = x - (shifted - CK_ROUNDER);
    v16 p = fma16(splat(3.91502893e1f), r, splat(2.28980275e2f));
    p = fma16(p, r, splat(9.83822977e2f));
    p = fma16(p, r, splat(2.83833446e3f));
    p = fma16(p, r, splat(4.09499669e3f));
    p = from_bits16(bits16(p) + (bits16(shifted) << 23));
    return bits16(p + CK_ROUNDER) - ck_bits(CK_ROUNDER);
}

CK_INLINE v16 log16(v16 x) {
    i16 e = (bits16(x) - 0x3f3504f3) >> 23;
    v16 f = from_bits16(bits16(x) - (e << 23)) - 1.0f;
    v16 exponent = __builtin_convertvector(e, v16);
    v16 z = f * f;
    v16 p = fma16(splat(7.0376836292e-2f), f, splat(-1.1514610310e-1f));
    p = fma16(p, f, splat(1.1676998740e-1f));
    p = fma16(p, f, splat(-1.2420140846e-1f));
    p = fma16(p, f, splat(1.4249322787e-1f));
    p = fma16(p, f, splat(-1.6668057665e-1f));
    p = fma16(p, f, splat(2.0000714765e-1f));
    p = fma16(p, f, splat(-2.4999993993e-1f));
    p = fma16(p, f, splat(3.3333331174e-1f));
    p = p * f * z;
    p = fma16(exponent, splat(-2.12194440e-4f), p);
    p = fma16(z, splat(-0.5f), p);
    return fma16(exponent, splat(0.693359375f), f + p);
}

CK_INLINE void sincos16(v16 x, v16 *sine, v16 *cosine) {
    v16 shifted = fma16(x, splat(0.636619772f), splat(CK_ROUNDER));
    i16 n = bits16(shifted) - ck_bits(CK_ROUNDER);
    v16 whole = shifted - CK_ROUNDER;
    v16 r = fma16(whole, splat(-1.5703125f), x);
    r = fma16(whole, splat(-4.83751296997e-4f), r);
    r = fma16(whole, splat(-7.54978994877e-8f), r);
    v16 z = r * r;
    v16 s = fma16(splat(-1.9515295891e-4f), z, splat(8.3321608736e-3f));
    s = fma16(s, z, splat(-1.6666654611e-1f));
    s = fma16(s * z, r, r);
    v16 c = fma16(splat(2.443315711809948e-5f), z, splat(-1.388731625493765e-3f));
    c = fma16(c, z, splat(4.166664568298827e-2f));
    c = fma16(c, z * z, fma16(z, splat(-0.5f), splat(1.0f)));
    i16 swap = (n & 1) != 0;
    v16 sine_size = choose(swap, c, s), cosine_size = choose(swap, s, c);
    *sine = choose((n & 2) != 0, -sine_size, sine_size);
    *cosine = choose(((n + 1) & 2) != 0, -cosine_size, cosine_size);
}

CK_INLINE v16 erf16(v16 x) {
    v16 square = x * x;
    v16 p = fma16(splat(7.88249745e-5f), square, splat(-8.01885501e-4f));
    p = fma16(p, square, splat(5.18931216e-3f));
    p = fma16(p, square, splat(-2.68543288e-2f));
    p = fma16(p, square, splat(1.12835974e-1f));
    p = fma16(p, square, splat(-3.7612626e-1f));
    p = fma16(p, square, splat(1.28379166e-1f));
    v16 near = fma16(p, x, x);
    v16 size = choose(x < 0.0f, -x, x);
    v16 t = choose(size > 4.0f, splat(4.0f), size);
    v16 q = fma16(splat(1.82845088e-5f), t, splat(-3.9661245e-4f));
    q = fma16(q, t, splat(3.95901781e-3f));
    q = fma16(q, t, splat(-2.44784597e-2f));
    q = fma16(q, t, splat(1.07150242e-1f));
    q = fma16(q, t, splat(6.34509265e-1f));
    q = fma16(q, t, splat(1.12886798f));
    q = fma16(q, t, splat(-2.42708338e-5f));
    v16 far = 1.0f - exp16(-q);
    far = choose(x < 0.0f, -far, far);
    return choose(size < 1.0f, near, far);
}

CK_INLINE v16 silu16(v16 x) {
    return x / (1.0f + exp16(-x));
}

CK_INLINE v16 activate16(ck_activation activation, v16 x) {
    switch (activation) {
    case CK_ACTIVATION_NONE: return x;
    case CK_ACTIVATION_SILU: return silu16(x);
    case CK_ACTIVATION_GELU: return 0.5f * x * (1.0f + erf16(x * 0.707106781f));
    case CK_ACTIVATION_QUICK_GELU: return x / (1.0f + exp16(-1.702f * x));
    }
    return x;
}
