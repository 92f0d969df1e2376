#pragma STDC FP_CONTRACT OFF

#include <stdlib.h>

#include "Dispatch.h"
#include "Plain.h"
#include "Pool.h"
#include "Shared.h"

/// Keys' cubic convolution kernel, a = −½ (IEEE Trans. ASSP 29, 1981).
static double keys_cubic(double distance) {
    double t = distance < 0.0 ? -distance : distance;
    if (t < 1.0) return (1.5 * t - 2.5) * t * t + 1.0;
    if (t < 2.0) return ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0;
    return 0.0;
}

static long clamp(double position, long limit) {
    if (position < 0.0) return 0;
    return position > (double)limit ? limit : (long)position;
}

/// Fills the taps of one axis: when shrinking the kernel widens by the scale, and at borders the weights that
/// remain are scaled to add up to 1. Taps past an output's window have weight zero and stay inside the input.
static void fill_axis(long inputs, long outputs, long taps, long *first, float *weights) {
    double scale = (double)inputs / (double)outputs, widening = scale > 1.0 ? scale : 1.0;
    for (long i = 0; i < outputs; i++) {
        double center = scale * ((double)i + 0.5), support = 2.0 * widening;
        long start = clamp(center - support + 0.5, inputs), end = clamp(center + support + 0.5, inputs);
        end = ck_min(end, start + taps);
        first[i] = ck_min(start, inputs - taps);
        double total = 0.0;
        for (long j = start; j < end; j++) total += keys_cubic(((double)j - center + 0.5) / widening);
        for (long tap = 0; tap < taps; tap++) {
            long j = first[i] + tap;
            double weight = keys_cubic(((double)j - center + 0.5) / widening);
            weights[i * taps + tap] = j >= start && j < end ? (float)(weight / total) : 0.0f;
        }
    }
}

/// Most inputs that one output of an axis can reach.
static long axis_taps(long inputs, long outputs) {
    double scale = (double)inputs / (double)outputs, widening = scale > 1.0 ? scale : 1.0;
    return ck_min(inputs, (long)(4.0 * widening) + 2);
}

/// Bytes of one axis' tables, in floats of scratch.
static long axis_floats(long outputs, long taps) {
    return ck_line_floats(outputs * taps) + ck_line_floats(outputs * (long)(sizeof(long) / sizeof(float)));
}

static ck_resample_axis make_axis(long inputs, long outputs, float *scratch) {
    long taps = axis_taps(inputs, outputs);
    float *weights = scratch;
    long *first = (long *)(void *)(scratch + ck_line_floats(outputs * taps));
    fill_axis(inputs, outputs, taps, first, weights);
    return (ck_resample_axis){taps, first, weights};
}

void ck_bicubic(ck_context context, long images, long height, long width, long channels, const float *x,
                long ldx, long out_height, long out_width, float *y, long ldy) {
    long column_floats = axis_floats(out_width, axis_taps(width, out_width));
    long row_floats = axis_floats(out_height, axis_taps(height, out_height));
    long middle_floats = images * height * out_width * channels;
    float *scratch = ck_pool_scratch(context.pool, (size_t)(column_floats + row_floats + middle_floats));
    ck_bicubic_work work = {
        channels, height, width, out_height, out_width,
        .rows = make_axis(height, out_height, scratch + column_floats),
        .columns = make_axis(width, out_width, scratch),
        .x = x, .ldx = ldx, .middle = scratch + column_floats + row_floats, .y = y, .ldy = ldy,
    };
    const ck_plain *plain = ck_plain_for(context.path);
    ck_pool_for(context.pool, images * height, plain->bicubic_columns, &work);
    ck_pool_for(context.pool, images * out_height, plain->bicubic_rows, &work);
}
