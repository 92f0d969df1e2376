/// How weights lie while they are used: panels of 32 output channels (the last one 16 wide where that is
/// enough), and inside a panel one row of the panel's width for each input, in the order in which inputs
/// are accumulated. Channels past the last are zero. One layout serves all paths.
#ifndef TESSERA_CKERNELS_PACK_H
#define TESSERA_CKERNELS_PACK_H

#include "include/CKernels.h"

enum { ck_panel_width = 32, ck_half_panel = 16 };

static inline long ck_panels(long channels) {
    return (channels + ck_panel_width - 1) / ck_panel_width;
}

/// Width of panel `panel` of a matrix with `channels` outputs: 32 or 16.
static inline long ck_width_of_panel(long channels, long panel) {
    return channels - panel * ck_panel_width > ck_half_panel ? ck_panel_width : ck_half_panel;
}

/// Channels rounded up to whole panels.
static inline long ck_packed_channels(long channels) {
    return (channels + ck_half_panel - 1) / ck_half_panel * ck_half_panel;
}

static inline long ck_min(long a, long b) {
    return a < b ? a : b;
}

static inline long ck_ceil_div(long a, long b) {
    return (a + b - 1) / b;
}

#endif
