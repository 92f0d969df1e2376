/// How a Winograd convolution is divided. It decides speed only: the bits do not depend on it.
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

#ifdef CK_TUNE
extern long ck_tune_block, ck_tune_group_panels, ck_tune_shared;
#endif

static inline ck_winograd_plan ck_plan_winograd(long tiles, long channels, long panels, int threads) {
    ck_winograd_plan plan = {.groups = 1};
    plan.group_panels = channels <= 128 ? panels : ck_min(panels, 2);
    if (tiles <= 96 * threads && panels >= threads) {
        plan.shared = true;
        plan.block = ck_min(tiles, 96);
        plan.groups = panels;
        plan.group_panels = 1;
    } else {
        long most = 160000 / (channels + plan.group_panels * 32) / 36 / 12 * 12;
        most = most < 24 ? 24 : most > 96 ? 96 : most;
        long blocks = ck_ceil_div(ck_ceil_div(tiles, most), threads) * threads;
        plan.block = ck_ceil_div(tiles, blocks);
    }
#ifdef CK_TUNE
    if (ck_tune_block) plan.block = ck_min(tiles, ck_tune_block);
    if (ck_tune_group_panels) plan.group_panels = ck_min(panels, ck_tune_group_panels);
    if (ck_tune_shared >= 0) { plan.shared = ck_tune_shared; plan.groups = plan.shared ? panels : 1; if (plan.shared) plan.group_panels = 1; }
#endif
    return plan;
}

#endif
