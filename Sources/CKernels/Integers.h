/// The numbers of fast mode's products: 16-bit integers whose products are added in 32 bits. That is exact,
/// so no order, vector width or instruction can change a bit; sums on the way may wrap around.
///
/// Inputs come in blocks. The numbers of a block, of one row or of one output, are whole multiples of a scale
/// of their own, for which the block as a vector is 46,300 long: the products of two blocks add up to no more
/// than the product of their lengths (Cauchy and Schwarz), below 2³¹. So a scale follows from the sum of the
/// squares, not from the largest number, and long blocks lose little: of 64 random numbers each has 13.5 bits
/// in the mean, of 320 12.3. The sum of a block's products is brought back to f32 by both scales' product and
/// added to the blocks before it.
///
/// A block lies as 32-bit words: its scale as f32, then the integers in pairs, the first one in the low half.
/// Blocks lie where f32 would have the same inputs, in half the room; in a panel a word is a row of outputs.
#ifndef TESSERA_CKERNELS_INTEGERS_H
#define TESSERA_CKERNELS_INTEGERS_H

#include "Pack.h"

/// Inputs of a block, at most.
enum { ck_block_inputs = 320 };

/// What a block's length and a number may be at most. Rounding adds up to √320/2 to a length.
#define ck_most_length 46300.0f
#define ck_most_integer 32766.0f

_Static_assert(((int64_t)ck_most_length + 10) * ((int64_t)ck_most_length + 10) <= INT32_MAX, "a block's sum");

/// Below this scale a block counts as zero: the squares of its numbers would not be normal.
#define ck_least_scale 1e-22f

/// From the sum of the squares of a block's numbers and the largest magnitude.
static inline float ck_scale_of_block(float squares, float largest) {
    float by_length = __builtin_sqrtf(squares) * (1.0f / ck_most_length);
    float by_size = largest * (1.0f / ck_most_integer);
    return by_length > by_size ? by_length : by_size;
}

static inline float ck_inverse_scale(float scale) {
    return scale > ck_least_scale ? 1.0f / scale : 0.0f;
}

/// Words of a block of `inputs` inputs, which is filled up to whole eights: products take four words at a
/// time.
static inline long ck_words_of_block(long inputs) {
    return 1 + ck_ceil_div(inputs, 8) * 4;
}

/// Words of a whole block.
enum { ck_block_words = 1 + ck_block_inputs / 2 };

/// Words of a row of `inputs` inputs, of which only the last block may be shorter.
static inline long ck_words(long inputs) {
    long rest = inputs % ck_block_inputs;
    return inputs / ck_block_inputs * ck_block_words + (rest ? ck_words_of_block(rest) : 0);
}

#endif
