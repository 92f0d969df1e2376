/// The thread pool as the kernels see it: one body a thread, a barrier, and scratch memory.
#ifndef TESSERA_CKERNELS_POOL_H
#define TESSERA_CKERNELS_POOL_H

#include "include/CKernels.h"

/// Runs `body(user, thread)` once on each of the pool's threads and returns when all are done.
/// One operation at a time: a body must not start another one.
void ck_pool_run(ck_pool *pool, void (*body)(void *user, int thread), void *user);

/// `ck_pool_for` for bodies that also want to know their thread, which owns a part of the scratch memory.
void ck_pool_items(ck_pool *pool, long count, void (*body)(void *user, long item, int thread), void *user);

/// The pool's scratch memory, at least `floats` long and aligned to a cache line; its content is undefined.
/// It is one slab: an operation asks once, before it runs, and divides it. Traps when memory is exhausted.
float *ck_pool_scratch(ck_pool *pool, size_t floats);

/// `floats` of memory, on huge pages where the system has them; to be freed with `free`. Traps when memory is
/// exhausted.
float *ck_allocate_huge(size_t floats);

/// Rounds a scratch part's length up to whole cache lines.
static inline long ck_line_floats(long floats) {
    return (floats + 15) / 16 * 16;
}

#endif
