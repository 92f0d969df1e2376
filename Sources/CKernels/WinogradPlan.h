/// How a Winograd convolution is divided. It decides speed only: the bits do not depend on it.
///
/// Where all transformed filters fit a third-level cache and tiles are many, filters are transformed once and
/// shared, and an item is a chunk of tiles with its own transformed input. Those of side 6, dearer to make,
/// are shared up to 256 MB. Else the transformed input of a chunk is shared and an item is a
/// panel, whose filters are transformed block by block into the second-level cache: the larger the weights,
/// the less they are moved.
///
/// Measured on two cores of Cascade Lake (AVX-512; 1 MB of second-level cache a core), milliseconds on a
/// machine that others used too:
///
///                      filters shared, tiles a chunk         input shared, tiles × inputs
///                         24    48    96   128        128×64  128×128  256×64  256×128
///      512²  64→64       143   153   187                               225
///     2×64² 320→320                  54.5             52.4     51.0    51.4     55.4
///      256² 320→320                  816   792                         865      968
///      128² 640→640                  689   609                 579     543      620
///       64² 960→960                  356   281        216      215     213      220
///
/// Tiles of side 6, whose 64 matrices take more room (the first line of one thread):
///
///                      filters shared, tiles a chunk         input shared, tiles × inputs
///                         48/56 96/126                         64×64   128×64  256×64
///      256² 320→320       331   349                             381     371
///      256² 640→320       458   399                             467     510     567
///      128² 640→640       224   254                             261     256     220
///       64² 960→960       189   160                             160     139     147
///
/// The same on two cores of Zen 4, where a large map's shared input left the third level at every panel; a
/// chunk of it that stays there is nearly as good as filters shared through memory, which would take more:
///
///                      filters shared     input shared, 6 << 20 floats     256 tiles
///     256² 640→640          508                  615                          605
///     128² 960→640          198                  231
///     128² 640→640          135                  153                          154
///      64² 960→960           87                   90                           93
///      64² 1280→1280        157                  149                          160
///      64² 1920→960                              165                          179
///
/// Fast mode's filters take half of the room and are dearer to make, so they are shared much longer, if only
/// through memory (one thread's processor time):
///
///                      filters shared, tiles a chunk         input shared, tiles × inputs
///                         24    48    96                      64×128  128×64  128×128  256×128
///      512²  64→64        60    61    78
///      256² 320→320             262   285                                              371
///     2×64² 960→320             152                                     208
///      128² 640→640             224   229                              327              271
///      128² 960→640       631   555                                                    681
///     2×32² 640→640              54                              43     40       37      37
#ifndef TESSERA_CKERNELS_WINOGRAD_PLAN_H
#define TESSERA_CKERNELS_WINOGRAD_PLAN_H

#include "Integers.h"
#include "include/CKernels.h"

typedef struct ck_winograd_plan {
    bool shares_filters; ///< else the transformed input of a chunk is shared
    long tiles;          ///< of a chunk
    long inputs;         ///< input channels of a block: a row of the transformed input
    long panels;         ///< panels whose sums are held at once, where filters are shared
    long parts;          ///< of a chunk that are items of their own, where input is shared and panels are few
} ck_winograd_plan;

/// Floats, or words, of transformed filters that may be shared: of tiles of side 4, of 6 and of integers.
enum {
    ck_most_shared_filters_of_4 = 4 << 20,
    ck_most_shared_filters_of_6 = 64 << 20,
    ck_most_shared_integers = 24 << 20,
    ck_most_shared_input_of_6 = 6 << 20, // that each panel reads anew, at best from a third-level cache
};

/// `matrices` is 36 or 64, for tiles of side 4 or 6; `channels` is the input's, `panels` the output's.
static inline ck_winograd_plan ck_plan_winograd(bool integers, long matrices, long tiles, long channels,
                                                long panels, int threads) {
    long all = ck_ceil_div(channels, 16) * 16, length = integers ? ck_words(channels) : all;
    bool large = matrices == 64;
    long most = integers ? ck_most_shared_integers
                         : large ? ck_most_shared_filters_of_6 : ck_most_shared_filters_of_4;
    if (tiles >= 96 * threads && matrices * length * panels * ck_panel_width <= most) {
        long wanted = channels <= 96 ? 24 : integers ? 48 : large ? 56 : 96;
        long chunks = ck_ceil_div(ck_ceil_div(tiles, wanted), threads) * threads;
        return (ck_winograd_plan){true, ck_ceil_div(tiles, chunks), .inputs = all, .panels = 2};
    }
    long fitting = large ? ck_most_shared_input_of_6 / (matrices * length) : 256;
    long most_tiles = fitting < 64 ? 64 : ck_min(256, fitting);
    long chunks = ck_ceil_div(tiles, most_tiles);
    long block = integers ? ck_block_inputs : tiles <= 128 ? 128 : 64;
    long parts = panels >= threads ? 1 : ck_ceil_div(threads, panels);
    return (ck_winograd_plan){
        false, ck_ceil_div(tiles, chunks), .inputs = ck_min(all, block), .parts = parts};
}

#endif
