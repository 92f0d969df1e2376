/// Operations so plain that one loop serves every path: it is compiled three times, for the portable
/// machine, for AVX2 and for AVX-512, and the compiler vectorises it. All work on rows of a map
/// (image·height + y).
#ifndef TESSERA_CKERNELS_PLAIN_H
#define TESSERA_CKERNELS_PLAIN_H

#include "include/CKernels.h"

/// A map operation's arguments; height and width are the input's.
typedef struct ck_map_work {
    long height, width, channels;
    const float *x;
    long ldx;
    bool padded_output;
    float *y;
    long ldy;
    bool stream; ///< the output goes past the caches
} ck_map_work;

/// One axis of a resampling: output i is the sum of `taps` inputs from `first[i]` on with `weights[i·taps +
/// t]`.
typedef struct ck_resample_axis {
    long taps;
    const long *first;
    const float *weights;
} ck_resample_axis;

typedef struct ck_bicubic_work {
    long channels, height, width, out_height, out_width;
    ck_resample_axis rows, columns;
    const float *x;
    long ldx;
    float *middle; ///< [images·height][out_width][channels]: after the horizontal pass
    float *y;
    long ldy;
} ck_bicubic_work;

typedef struct ck_add_work {
    const float *a, *b;
    float *y;
    long count;
} ck_add_work;

enum { ck_add_block = 16384 };

/// The loops of one path. Items are rows of the output, except `average_pool` and `nearest`, where they are
/// output and input rows, and `add`, where they are blocks.
typedef struct ck_plain {
    void (*copy_row)(void *work, long item);
    void (*average_pool_row)(void *work, long item);
    void (*nearest_row)(void *work, long item);
    void (*bicubic_columns)(void *work, long item); ///< horizontal pass: a row of the input
    void (*bicubic_rows)(void *work, long item);    ///< vertical pass: a row of the output
    void (*add_block)(void *work, long item);
} ck_plain;

extern const ck_plain ck_plain_portable;
#if defined(__x86_64__)
extern const ck_plain ck_plain_avx2, ck_plain_avx512;
#endif

#endif
