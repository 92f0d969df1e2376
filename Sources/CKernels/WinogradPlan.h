/// How a Winograd convolution is divided. It decides speed only: the bits do not depend on it.
///
/// Measured on Cascade Lake (AVX-512, 1 MB of second-level cache a core), share of the FMA peak that the
/// direct convolution's FLOP would need, best block in brackets:
///
///     128²  64→64   8: 1.83   24: 1.90 [24]   48: 1.80   96: 1.45    transformed tiles overflow the cache
///      64²  96→96   8: 1.52   24: 2.12 [24]   48: 1.97   96: 1.80
///    2×16² 128→128  8: 1.80   24: 2.23        36: 2.52 [36]   48: 2.62
///     256² 320→320  8: 1.04   24: 2.00        48: 2.53 [48]   96: 2.26    weights come from the third level:
///    2×32² 640→640  8: 0.94   24: 1.73        64: 2.45   96: 2.44 [96]    more tiles share each read
#ifndef TESSERA_CKERNELS_WINOGRAD_PLAN_H
#define TESSERA_CKERNELS_WINOGRAD_PLAN_H

#include "Pack.h"
#include "include/CKernels.h"

typedef struct ck_winograd_plan {
    bool shared;       ///< the transformed input is shared by all items
    long block;        ///< tiles an item multiplies
    long groups;       ///< groups of panels, one an item
    long group_panels; ///< panels whose sums are held at once
} ck_winograd_plan;

/// `channels` is the input's; `panels` the output's.
static inline ck_winograd_plan ck_plan_winograd(long tiles, long channels, long panels, int threads) {
    long most = channels <= 96 ? 24 : channels <= 128 ? 36 : channels < 512 ? 48 : 96;
    if (tiles < 24 * threads && panels >= threads) {
        return (ck_winograd_plan){true, .block = ck_min(tiles, most), .groups = panels, .group_panels = 1};
    }
    long blocks = ck_ceil_div(ck_ceil_div(tiles, most), threads) * threads;
    long group_panels = ck_min(panels, channels < 512 ? 2 : 4);
    return (ck_winograd_plan){.block = ck_ceil_div(tiles, blocks), .groups = 1, .group_panels = group_panels};
}

#endif
