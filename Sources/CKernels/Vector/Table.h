// Everything of one path, in order. Included inside the path's target attribute.

#include "Simd.h"
#include "Math.h"
#include "Panel.h"
#include "Integers.h"
#include "Tile.h"
#include "IntegerTile.h"
#include "Rows.h"
#include "Grid.h"
#include "Matrix.h"
#include "Convolution.h"
#include "WinogradLines.h"
#include "WinogradTransform.h"
#include "Winograd.h"
#include "Attention.h"
#include "IntegerAttention.h"
#include "Norm.h"
#include "Elementwise.h"
#include "../PlainLoops.h"

#define CK_PATH_TABLE                         \
    {                                         \
        .gemm = vector_gemm,                  \
        .conv = vector_conv,                  \
        .winograd = vector_winograd,          \
        .attention = vector_attention,        \
        .group_norm = vector_group_norm,      \
        .group_norm_affine = vector_group_norm_affine, \
        .normalise_band = vector_normalise_band, \
        .layer_norm = vector_layer_norm,      \
        .activate = vector_activate,          \
        .box_muller16 = vector_box_muller16,  \
        .spend_flops = spend_flops,           \
        .spend_integer_ops = spend_integer_ops, \
        .read_all = read_all,                 \
    }
