/// Single weights where they lie; `Vector/Panel.h` reads them sixteen at a time.
#ifndef TESSERA_CKERNELS_WEIGHTS_H
#define TESSERA_CKERNELS_WEIGHTS_H

#include "Scalars.h"

static inline long ck_type_size(ck_type type) {
    return type == CK_TYPE_F32 ? 4 : 2;
}

/// Weight `index` of the flattened tensor, as f32.
static inline float ck_weight_at(ck_weights weights, long index) {
    const char *at = (const char *)weights.values + index * ck_type_size(weights.type);
    if (weights.type == CK_TYPE_F32) {
        float value;
        __builtin_memcpy(&value, at, sizeof value);
        return value;
    }
    uint16_t half;
    __builtin_memcpy(&half, at, sizeof half);
    return weights.type == CK_TYPE_F16 ? ck_widen_f16(half) : ck_widen_bf16(half);
}

#endif
