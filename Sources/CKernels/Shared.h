/// What the naive twins and the vector paths must agree on besides arithmetic: block sizes, the order of
/// keys, the halves of a group norm, and where a map's pixels lie.
#ifndef TESSERA_CKERNELS_SHARED_H
#define TESSERA_CKERNELS_SHARED_H

#include "Pack.h"
#include "include/CKernels.h"

#if defined(__clang__)
#define CK_INLINE static inline __attribute__((always_inline))
#endif

// MARK: Attention

enum { ck_key_block = 128, ck_most_sources = 4 };

/// Where a query's running maximum starts: below any score, but finite, so that differences never become NaN.
#define ck_lowest_score (-1e30f)

/// The concatenation of the key and value sources.
typedef struct ck_key_list {
    ck_kv_source sources[ck_most_sources];
    int source_count;
    long count;
} ck_key_list;

static inline ck_key_list ck_make_key_list(const ck_kv_source *sources, int source_count) {
    ck_key_list list = {.source_count = (int)ck_min(source_count, ck_most_sources)};
    for (int i = 0; i < list.source_count; i++) {
        list.sources[i] = sources[i];
        list.count += sources[i].length;
    }
    return list;
}

/// Floats from a source's start to token `token` of the list, which lies in the source that is returned.
static inline const ck_kv_source *ck_source_of(const ck_key_list *list, long image, long token,
                                               long *offset) {
    const ck_kv_source *source = list->sources;
    for (; token >= source->length; source++) token -= source->length;
    *offset = image * source->image_stride + token * source->stride;
    return source;
}

static inline const float *ck_key_at(const ck_key_list *list, long image, long channel, long token) {
    long offset;
    const ck_kv_source *source = ck_source_of(list, image, token, &offset);
    return source->keys + offset + channel;
}

static inline const float *ck_value_at(const ck_key_list *list, long image, long channel, long token) {
    long offset;
    const ck_kv_source *source = ck_source_of(list, image, token, &offset);
    return source->values + offset + channel;
}

// MARK: Group norm

/// A channel's sums over a map are taken in f64, in two halves of the pixels for the threads' sake. A plain
/// background is half a million equal values: their sum in f32 rounds the same way each time.
enum { ck_norm_parts = 2 };

static inline long ck_part_start(long pixels, long part) {
    return part * ((pixels + ck_norm_parts - 1) / ck_norm_parts);
}

/// Mean and inverse deviation of a group.
typedef struct ck_moments {
    double mean, inverse_deviation;
} ck_moments;

/// From `channels` channels' sums and sums of squares: `sums[part·stride + channel]`, squares likewise.
static inline ck_moments ck_group_moments(const double *sums, const double *squares, long stride,
                                          long channels, long pixels, float epsilon) {
    double sum = 0.0, square = 0.0, count = (double)(channels * pixels);
    for (long channel = 0; channel < channels; channel++) {
        for (long part = 0; part < ck_norm_parts; part++) {
            sum += sums[part * stride + channel];
            square += squares[part * stride + channel];
        }
    }
    double mean = sum / count, mean_square = mean * mean, variance = square / count - mean_square;
    return (ck_moments){mean, 1.0 / __builtin_sqrt((variance > 0.0 ? variance : 0.0) + (double)epsilon)};
}

/// The map x → x·slope + offset that normalises one channel.
typedef struct ck_affine {
    float slope, offset;
} ck_affine;

/// `scale_shift` points at an image's scales; its shifts lie `channels` further. It may be null.
static inline ck_affine ck_channel_affine(ck_moments moments, long channel, long channels,
                                          const float *weight, const float *bias, const float *scale_shift) {
    double slope = moments.inverse_deviation * (double)weight[channel];
    double offset = (double)bias[channel] - slope * moments.mean;
    if (scale_shift) {
        double scale = 1.0 + (double)scale_shift[channel];
        slope *= scale;
        offset = offset * scale + (double)scale_shift[channels + channel];
    }
    return (ck_affine){(float)slope, (float)offset};
}

// MARK: Maps

/// Whether an output of this many floats is too large to find in a cache later.
static inline bool ck_streams(long floats) {
    return floats >= (long)8 << 20;
}

/// Start of row `row` (of image·height + y) in a plain map, or of that row's first inner pixel in a padded
/// one.
static inline long ck_row_start(long height, long width, long row, bool padded, long ld) {
    if (!padded) return row * width * ld;
    return ((row / height * (height + 2) + row % height + 1) * (width + 2) + 1) * ld;
}

static inline void ck_clear_pixels(float *y, long pixels, long channels, long ldy) {
    for (long pixel = 0; pixel < pixels; pixel++) {
        __builtin_memset(y + pixel * ldy, 0, (size_t)channels * sizeof(float));
    }
}

/// Zeroes the border pixels that belong to row `row`: left and right, and the whole line above the first
/// row and below the last one.
static inline void ck_clear_border(long height, long width, long channels, long row, float *y, long ldy) {
    float *start = y + ck_row_start(height, width, row, true, ldy) - ldy;
    long y_in_image = row % height, line = (width + 2) * ldy;
    ck_clear_pixels(start, 1, channels, ldy);
    ck_clear_pixels(start + (width + 1) * ldy, 1, channels, ldy);
    if (y_in_image == 0) ck_clear_pixels(start - line, width + 2, channels, ldy);
    if (y_in_image == height - 1) ck_clear_pixels(start + line, width + 2, channels, ldy);
}

#endif
