/// The numbers of fast mode's products: 16-bit integers whose products are added in 32 bits. That is exact,
/// so no order, vector width or instruction can change a bit.
///
/// Inputs come in blocks of 64. The numbers of a block, of one row or of one output, are whole multiples of a
/// scale of their own: the largest magnitude over 5792. The sum of a block's products is brought back to f32
/// by both scales' product and added to the blocks before it.
///
/// A block lies as 32-bit words: its scale as f32, then the integers in pairs, the first one in the low half.
/// Blocks lie where f32 would have the same inputs, in half the room; in a panel a word is a row of outputs.
#ifndef TESSERA_CKERNELS_INTEGERS_H
#define TESSERA_CKERNELS_INTEGERS_H

#include "Pack.h"

enum { ck_block_inputs = 64, ck_most_integer = 5792, ck_block_words = 1 + ck_block_inputs / 2 };

_Static_assert((int64_t)ck_block_inputs * ck_most_integer * ck_most_integer <= INT32_MAX, "a block's sum");

/// Below this magnitude a block counts as zero: its inverse scale would not be finite.
#define ck_least_magnitude 1e-30f

/// Words of a block of `inputs` ≤ 64 inputs, which is filled up to whole eights: products take four words at
/// a time.
static inline long ck_words_of_block(long inputs) {
    return 1 + ck_ceil_div(inputs, 8) * 4;
}

/// Words of a row of `inputs` inputs, of which only the last block may be shorter.
static inline long ck_words(long inputs) {
    long rest = inputs % ck_block_inputs;
    return inputs / ck_block_inputs * ck_block_words + (rest ? ck_words_of_block(rest) : 0);
}

#endif
