// The lines of Winograd's transforms, sixteen channels at a time: F(4×4,3×3) with the points 0, ±1, ±2 and
// F(6×6,3×3) with 0, ±1, ±2, ±1/2 (Lavin & Gray 2015, arXiv 1509.09308). A tile is `side` pixels wide, a
// piece of the map `side` + 2.

enum { most_side = 6, most_piece = most_side + 2, most_matrices = most_piece * most_piece };

/// One line of G·w.
CK_INLINE void filter_line_of_4(const v16 w[3], v16 out[6]) {
    const float sixth = 1.0f / 6, twelfth = 1.0f / 12, part = 1.0f / 24;
    v16 outer = splat(-sixth) * (w[0] + w[2]), mixed = fma16(splat(part), w[0], splat(sixth) * w[2]);
    out[0] = splat(0.25f) * w[0];
    out[1] = fma16(splat(-sixth), w[1], outer);
    out[2] = fma16(splat(sixth), w[1], outer);
    out[3] = fma16(splat(twelfth), w[1], mixed);
    out[4] = fma16(splat(-twelfth), w[1], mixed);
    out[5] = w[2];
}

CK_INLINE void filter_line_of_6(const v16 w[3], v16 out[8]) {
    const float ninths = 2.0f / 9, part = 1.0f / 90;
    v16 outer = splat(-ninths) * (w[0] + w[2]);
    v16 near = fma16(splat(part), w[0], splat(4 * part) * w[2]);
    v16 far = fma16(splat(64 * part), w[0], splat(16 * part) * w[2]);
    out[0] = w[0];
    out[1] = fma16(splat(-ninths), w[1], outer);
    out[2] = fma16(splat(ninths), w[1], outer);
    out[3] = fma16(splat(2 * part), w[1], near);
    out[4] = fma16(splat(-2 * part), w[1], near);
    out[5] = fma16(splat(32 * part), w[1], far);
    out[6] = fma16(splat(-32 * part), w[1], far);
    out[7] = w[2];
}

CK_INLINE void filter_line(const int side, const v16 w[3], v16 *out) {
    side == 6 ? filter_line_of_6(w, out) : filter_line_of_4(w, out);
}

/// One line of Bᵀ·d.
CK_INLINE void input_line_of_4(const v16 d[6], v16 out[6]) {
    v16 a = fma16(splat(-4.0f), d[2], d[4]), b = fma16(splat(-4.0f), d[1], d[3]);
    v16 e = d[4] - d[2], f = 2.0f * (d[3] - d[1]);
    out[0] = fma16(splat(4.0f), d[0], fma16(splat(-5.0f), d[2], d[4]));
    out[1] = a + b;
    out[2] = a - b;
    out[3] = e + f;
    out[4] = e - f;
    out[5] = fma16(splat(4.0f), d[1], fma16(splat(-5.0f), d[3], d[5]));
}

CK_INLINE void input_line_of_6(const v16 d[8], v16 out[8]) {
    v16 a = fma16(splat(-4.25f), d[4], d[2] + d[6]), b = fma16(splat(-4.25f), d[3], d[1] + d[5]);
    v16 e = fma16(splat(0.25f), d[2], fma16(splat(-1.25f), d[4], d[6]));
    v16 f = fma16(splat(0.5f), d[1], fma16(splat(-2.5f), d[3], 2.0f * d[5]));
    v16 g = fma16(splat(4.0f), d[2], fma16(splat(-5.0f), d[4], d[6]));
    v16 h = fma16(splat(2.0f), d[1], fma16(splat(-2.5f), d[3], 0.5f * d[5]));
    out[0] = fma16(splat(5.25f), d[4] - d[2], d[0] - d[6]);
    out[1] = a + b;
    out[2] = a - b;
    out[3] = e + f;
    out[4] = e - f;
    out[5] = g + h;
    out[6] = g - h;
    out[7] = fma16(splat(5.25f), d[3] - d[5], d[7] - d[1]);
}

CK_INLINE void input_line(const int side, const v16 *d, v16 *out) {
    side == 6 ? input_line_of_6(d, out) : input_line_of_4(d, out);
}

/// One line of Aᵀ·m.
CK_INLINE void output_line_of_4(const v16 m[6], v16 out[4]) {
    v16 s = m[1] + m[2], d = m[1] - m[2], u = m[3] + m[4], v = m[3] - m[4];
    out[0] = (m[0] + s) + u;
    out[1] = fma16(splat(2.0f), v, d);
    out[2] = fma16(splat(4.0f), u, s);
    out[3] = fma16(splat(8.0f), v, d) + m[5];
}

CK_INLINE void output_line_of_6(const v16 m[8], v16 out[6]) {
    v16 s = m[1] + m[2], d = m[1] - m[2], u = m[3] + m[4], v = m[3] - m[4], p = m[5] + m[6], q = m[5] - m[6];
    out[0] = ((m[0] + s) + u) + p;
    out[1] = fma16(splat(0.5f), q, fma16(splat(2.0f), v, d));
    out[2] = fma16(splat(0.25f), p, fma16(splat(4.0f), u, s));
    out[3] = fma16(splat(0.125f), q, fma16(splat(8.0f), v, d));
    out[4] = fma16(splat(0.0625f), p, fma16(splat(16.0f), u, s));
    out[5] = fma16(splat(0.03125f), q, fma16(splat(32.0f), v, d)) + m[7];
}

CK_INLINE void output_line(const int side, const v16 *m, v16 *out) {
    side == 6 ? output_line_of_6(m, out) : output_line_of_4(m, out);
}
