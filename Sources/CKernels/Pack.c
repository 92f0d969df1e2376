#pragma STDC FP_CONTRACT OFF

#include "Pack.h"

#include "include/CKernels.h"

// MARK: Matrix and direct convolution

size_t ck_gemm_packed_count(long n, long k) {
    return ck_conv_packed_count(n, k, 1);
}

void ck_gemm_pack(const float *weight, long n, long k, float *packed) {
    ck_conv_pack(weight, n, k, 1, packed);
}

size_t ck_conv_packed_count(long out_channels, long in_channels, int kernel) {
    return (size_t)(ck_packed_channels(out_channels) * in_channels * kernel * kernel);
}

/// Inputs are accumulated tap by tap, and channel by channel within a tap.
void ck_conv_pack(const float *weight, long out_channels, long in_channels, int kernel, float *packed) {
    long taps = (long)kernel * kernel;
    for (long panel = 0; panel < ck_panels(out_channels); panel++) {
        long width = ck_width_of_panel(out_channels, panel), first = panel * ck_panel_width;
        for (long tap = 0; tap < taps; tap++) {
            for (long input = 0; input < in_channels; input++) {
                for (long lane = 0; lane < width; lane++) {
                    long output = first + lane;
                    bool exists = output < out_channels;
                    *packed++ = exists ? weight[(output * in_channels + input) * taps + tap] : 0.0f;
                }
            }
        }
    }
}

// MARK: Winograd

size_t ck_winograd_packed_count(long out_channels, long in_channels) {
    return (size_t)(36 * ck_packed_channels(out_channels) * in_channels);
}

/// G·w·Gᵀ of one 3×3 filter, in f64.
static void transform_filter(const float *weight, double transformed[36]) {
    static const double G[6][3] = {
        {1.0 / 4, 0, 0}, {-1.0 / 6, -1.0 / 6, -1.0 / 6}, {-1.0 / 6, 1.0 / 6, -1.0 / 6},
        {1.0 / 24, 1.0 / 12, 1.0 / 6}, {1.0 / 24, -1.0 / 12, 1.0 / 6}, {0, 0, 1},
    };
    double half[6][3];
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 3; j++) {
            half[i][j] = G[i][0] * weight[j] + G[i][1] * weight[3 + j] + G[i][2] * weight[6 + j];
        }
    }
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 6; j++) {
            double sum = half[i][0] * G[j][0] + half[i][1] * G[j][1] + half[i][2] * G[j][2];
            transformed[i * 6 + j] = sum;
        }
    }
}

/// A panel holds its 36 matrices one after another, each [in][width].
void ck_winograd_pack(const float *weight, long out_channels, long in_channels, float *packed) {
    for (long panel = 0; panel < ck_panels(out_channels); panel++) {
        long width = ck_width_of_panel(out_channels, panel), first = panel * ck_panel_width;
        for (long input = 0; input < in_channels; input++) {
            for (long lane = 0; lane < width; lane++) {
                long output = first + lane;
                double transformed[36] = {0};
                if (output < out_channels) {
                    transform_filter(weight + (output * in_channels + input) * 9, transformed);
                }
                for (int i = 0; i < 36; i++) {
                    packed[(i * in_channels + input) * width + lane] = (float)transformed[i];
                }
            }
        }
        packed += 36 * in_channels * width;
    }
}
