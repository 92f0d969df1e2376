/// Hot loops of the engine in C. Every operation has a naive twin (`path == CK_PATH_PORTABLE` runs it),
/// which is its
/// specification and its oracle, and vector paths that give the same bits.
///
/// Layout: activations are NHWC f32; a "pixel stride" (`ldx`, `ldy`) counts floats between neighbouring
/// pixels (or
/// rows of a matrix) and is at least the channel count. "Padded" maps are (H+2)×(W+2) pixels with a
/// border of zeros.
///
/// Sameness: each output element is accumulated in one fixed order with one FMA an input, whatever the
/// path, the
/// number of threads and the batch. Reductions use sixteen fixed lanes on every path. No libm is called.
#ifndef TESSERA_CKERNELS_H
#define TESSERA_CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// MARK: Paths and threads

typedef enum ck_path { CK_PATH_PORTABLE = 0, CK_PATH_AVX2 = 1, CK_PATH_AVX512 = 2 } ck_path;

/// Whether this machine can run `path`.
bool ck_path_available(ck_path path);

/// A pool of threads that spin briefly and then sleep on a futex. The caller takes part as thread 0.
/// It also owns scratch memory that grows on first use and is reused after.
typedef struct ck_pool ck_pool;

/// Makes a pool of `threads` (1…256). Null when threads or memory cannot be had.
ck_pool *ck_pool_create(int threads);
void ck_pool_destroy(ck_pool *pool);
int ck_pool_threads(const ck_pool *pool);

/// Gives the scratch memory back to the system until an operation needs it again.
void ck_pool_trim(ck_pool *pool);

/// Where and how an operation runs.
typedef struct ck_context {
    ck_pool *pool;
    ck_path path;
} ck_context;

/// Runs `body(user, item)` for each item in 0..<count, spread over the pool.
void ck_pool_for(ck_pool *pool, long count, void (*body)(void *user, long item), void *user);

// MARK: Scalars: own exp, log, sin, cos, erf (f32 for networks, f64 for schedules)

float ck_expf(float x);
float ck_logf(float x);
float ck_erff(float x);
double ck_exp(double x);
double ck_log(double x);
double ck_sin(double x);
double ck_cos(double x);

// MARK: Conversions

void ck_f16_to_f32(const uint16_t *x, float *y, size_t count);
void ck_bf16_to_f32(const uint16_t *x, float *y, size_t count);

// MARK: Epilogue shared by matrix products and convolutions

typedef enum ck_activation {
    CK_ACTIVATION_NONE = 0, CK_ACTIVATION_SILU = 1, CK_ACTIVATION_GELU = 2 /* exact, erf */,
    CK_ACTIVATION_QUICK_GELU = 3 /* x·sigmoid(1.702x) */,
} ck_activation;

/// y = (activation(sum + bias) + residual) · scale. `bias` may be null; `bias_image_stride` is 0 when
/// every image
/// shares it, else the floats between two images' biases. `residual` may be null or equal `y`.
typedef struct ck_epilogue {
    const float *bias;
    long bias_image_stride;
    const float *residual;
    long residual_stride; ///< pixel stride of `residual`
    ck_activation activation;
    float scale;
} ck_epilogue;

// MARK: Weights

typedef enum ck_type { CK_TYPE_F32 = 0, CK_TYPE_F16 = 1, CK_TYPE_BF16 = 2 } ck_type;

/// Weights where they lie, usually in a mapped file: PyTorch's layout, any alignment. They are read as they
/// are used and widened to f32; no copy of them is kept.
typedef struct ck_weights {
    const void *values;
    ck_type type;
} ck_weights;

/// How exactly products are computed. `CK_FAST` multiplies 16-bit integers that have a scale for each 64
/// inputs of a row and of an output (see `Integers.h`): relative errors of 2e-4 in place of 1e-7.
typedef enum ck_precision { CK_EXACT = 0, CK_FAST = 1 } ck_precision;

// MARK: Matrix product: C[M×N] = A[M×K] · Wᵀ, W as PyTorch's Linear keeps it, [N][K]

/// `images` divides `m`; it matters only where `bias_image_stride` is not 0.
void ck_gemm(ck_context context, ck_precision precision, long images, long m, long n, long k, const float *a,
             long lda, ck_weights weight, ck_epilogue epilogue, float *c, long ldc);

// MARK: Convolution (a 1×1 convolution of stride 1 is a matrix product over pixels)

/// Input map of `height`×`width` before padding. Output map is the same size at stride 1, ⌈size/stride⌉
/// at stride 2.
typedef struct ck_conv_shape {
    long images, height, width, in_channels, out_channels;
    int kernel; ///< 1, or 3 with one pixel of zero padding (the input map is then padded)
    int stride; ///< 1 or 2
} ck_conv_shape;

/// `weight`: [out][in][kernel][kernel]. `x`: padded map for kernel 3 (rows of (width+2)·ldx floats), plain
/// for kernel 1. `y`: plain map.
void ck_conv(ck_context context, ck_conv_shape shape, const float *x, long ldx, ck_weights weight,
             ck_epilogue epilogue, float *y, long ldy);

/// Winograd F(side×side,3×3), stride 1 (Lavin & Gray 2015, arXiv 1509.09308): the side of a tile is 4, or in
/// exact mode 6. Edge tiles of maps that it does not divide are handled.
void ck_winograd(ck_context context, ck_precision precision, int side, ck_conv_shape shape, const float *x,
                 long ldx, ck_weights weight, ck_epilogue epilogue, float *y, long ldy);

// MARK: Attention

/// One source of keys and values: `length` tokens of `heads·head_size` floats each, `images` of them one
/// after another.
typedef struct ck_kv_source {
    const float *keys, *values;
    long length;
    long stride;       ///< floats between two tokens
    long image_stride; ///< floats between two images
} ck_kv_source;

typedef struct ck_attention_shape {
    long images, queries, heads, head_size;
    long query_stride, query_image_stride;   ///< floats between two query tokens, two images
    long output_stride, output_image_stride;
    float scale;                             ///< usually 1/√head_size
} ck_attention_shape;

/// softmax(scale·Q·Kᵀ + mask)·V over the concatenation of up to 4 sources, tiled (never a full score matrix).
/// `mask` may be null; element (image, query, key) is at image·mask_image_stride +
/// query·mask_query_stride + key. `CK_FAST` computes scores and sums with 16-bit integers, and its mask is
/// the same for every query: `mask_query_stride` is 0.
void ck_attention(ck_context context, ck_precision precision, ck_attention_shape shape, const float *queries,
                  const ck_kv_source *sources, int source_count, const float *mask, long mask_image_stride,
                  long mask_query_stride, float *output);

// MARK: Normalisation

typedef struct ck_group_norm_shape {
    long images, height, width, channels, groups;
    float epsilon;
} ck_group_norm_shape;

/// y = act(norm(x)·weight + bias), and with `scale_shift` (per image [2·channels]: scale first, then
/// shift; may be null)
/// act((norm(x)·weight + bias)·(1 + scale) + shift). `activation` is NONE or SILU. `padded_output` writes
/// the interior
/// of a padded map (and its zero border).
void ck_group_norm(ck_context context, ck_group_norm_shape shape, const float *x, long ldx,
                   const float *weight, const float *bias, const float *scale_shift, ck_activation activation,
                   bool padded_output, float *y, long ldy);

/// Floats that `ck_group_norm_affine` writes.
long ck_affine_floats(ck_group_norm_shape shape);

/// The same norm as what each channel is multiplied with and what is added then: for each image a line of
/// slopes and a line of offsets, whole vectors each.
void ck_group_norm_affine(ck_context context, ck_group_norm_shape shape, const float *x, long ldx,
                          const float *weight, const float *bias, const float *scale_shift, float *affine);

/// `rows` rows of one image from `first_row` on, normalised by its part of what `ck_group_norm_affine` wrote,
/// as a padded map of their own: the lines above and below are the image's next ones, or zeros where it ends.
/// `shape` is the image's.
void ck_normalise_band(ck_context context, ck_group_norm_shape shape, const float *x, long ldx,
                       const float *affine, ck_activation activation, long first_row, long rows, float *y,
                       long ldy);

/// Over the last axis of [rows][channels]. `weight` and `bias` may be null.
void ck_layer_norm(ck_context context, long rows, long channels, float epsilon, const float *x, long ldx,
                   const float *weight, const float *bias, float *y, long ldy);

// MARK: Elementwise, pooling, resampling

void ck_activate(ck_context context, ck_activation activation, const float *x, float *y, size_t count);
void ck_add(ck_context context, const float *a, const float *b, float *y, size_t count);

/// Copies a plain map into one of another pixel stride, or into the interior of a padded map (with its
/// zero border).
void ck_copy_map(ck_context context, long images, long height, long width, long channels, const float *x,
                 long ldx, bool padded_output, float *y, long ldy);

/// 2×2 mean; height and width are the input's and even. Output plain or padded.
void ck_average_pool2(ck_context context, long images, long height, long width, long channels, const float *x,
                      long ldx, bool padded_output, float *y, long ldy);

/// Nearest ×2; height and width are the input's. Output plain or padded.
void ck_nearest_up2(ck_context context, long images, long height, long width, long channels, const float *x,
                    long ldx, bool padded_output, float *y, long ldy);

/// Bicubic (Keys a = −0.5, antialiased when shrinking, weights renormalised at borders), torch's
/// interpolate(mode="bicubic", antialias=True, align_corners=False).
void ck_bicubic(ck_context context, long images, long height, long width, long channels, const float *x,
                long ldx, long out_height, long out_width, float *y, long ldy);

// MARK: Noise

/// Turns `count` uniforms in [0,1) (a multiple of 16) into normals in place, block of 16 by block, as
/// torch's CPU
/// generator does (Box–Muller: x[j], x[j+8] → r·cos θ, r·sin θ).
void ck_box_muller16(ck_context context, float *x, size_t count);

// MARK: Measured peaks, for benchmarks

/// FMA f32 peak of `path` on the pool's threads, GFLOP/s, over about `seconds`.
double ck_measure_fma_peak(ck_context context, double seconds);
/// The same of fast mode's 16-bit integers, a multiply-add counted as two.
double ck_measure_integer_peak(ck_context context, double seconds);
/// Read bandwidth, GB/s, over about `seconds`.
double ck_measure_read_bandwidth(ck_context context, double seconds);

#endif
