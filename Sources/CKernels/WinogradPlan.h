/// How a Winograd convolution is divided. It decides speed only: the bits do not depend on it.
///
/// Large maps: the transformed filters of a group of panels are shared by all threads and an item is a chunk
/// of tiles with its own transformed input. Small maps: the transformed input of a chunk of tiles is shared
/// and an item is a panel, whose filters are transformed block by block into the second-level cache.
#ifndef TESSERA_CKERNELS_WINOGRAD_PLAN_H
#define TESSERA_CKERNELS_WINOGRAD_PLAN_H

#include "Pack.h"
#include "include/CKernels.h"

typedef struct ck_winograd_plan {
    bool small;
    long tiles;  ///< of a chunk
    long inputs; ///< input channels of a block: a row of the transformed input
    long panels; ///< large maps: panels whose sums are held at once
    long group;  ///< large maps: panels whose transformed filters are held at once
    long parts;  ///< small maps: parts of a chunk that are items of their own, where panels are few
} ck_winograd_plan;

/// Floats of transformed filters that a group may take: what a third-level cache holds beside the rest.
enum { ck_group_floats = 4 << 20 };

/// `channels` is the input's; `panels` the output's.
static inline ck_winograd_plan ck_plan_winograd(long tiles, long channels, long panels, int threads) {
    long all = ck_ceil_div(channels, 16) * 16;
    if (tiles < 96 * threads) {
        long parts = panels >= threads ? 1 : ck_ceil_div(threads, panels);
        long chunks = ck_ceil_div(tiles, 128);
        return (ck_winograd_plan){
            true, .tiles = ck_ceil_div(tiles, chunks), .inputs = ck_min(all, 128), .parts = parts};
    }
    long most = channels <= 96 ? 24 : 96, group = ck_group_floats / (36 * channels * ck_panel_width);
    long chunks = ck_ceil_div(ck_ceil_div(tiles, most), threads) * threads;
    return (ck_winograd_plan){
        .tiles = ck_ceil_div(tiles, chunks), .inputs = all, .panels = 2, .group = group < 1 ? 1 : group};
}

#endif
