#include "Pool.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// A spinning thread that shares its core starves whoever should wake it, so spinning is short (tens of
// microseconds: longer than the gap between two operations of a network) and then the thread sleeps.
enum { spins_before_sleep = 600, most_threads = 256 };

/// A counter that threads can wait on: first spinning, then asleep on its futex.
typedef struct event {
    _Alignas(64) _Atomic uint32_t value;
    _Atomic uint32_t sleepers;
} event;

struct ck_pool {
    event start, finish;
    _Alignas(64) _Atomic int running;
    _Alignas(64) _Atomic long next_item;
    _Alignas(64) int threads;
    bool stop;
    void (*body)(void *user, int thread);
    void *user;
    float *scratch;
    size_t scratch_floats;
    pthread_t handles[most_threads];
};

typedef struct worker_start {
    ck_pool *pool;
    int thread;
} worker_start;

// MARK: Waiting

static void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void event_wait_while(event *event, uint32_t old) {
    for (int spin = 0; spin < spins_before_sleep; spin++) {
        if (atomic_load_explicit(&event->value, memory_order_acquire) != old) return;
        relax();
    }
    atomic_fetch_add(&event->sleepers, 1);
    while (atomic_load(&event->value) == old) {
        syscall(SYS_futex, &event->value, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
    }
    atomic_fetch_sub(&event->sleepers, 1);
}

static void event_advance(event *event) {
    atomic_fetch_add(&event->value, 1);
    if (atomic_load(&event->sleepers) > 0) {
        syscall(SYS_futex, &event->value, FUTEX_WAKE_PRIVATE, most_threads, NULL, NULL, 0);
    }
}

// MARK: Threads

static void *worker_main(void *argument) {
    worker_start start = *(worker_start *)argument;
    free(argument);
    ck_pool *pool = start.pool;
    for (uint32_t seen = 0;; seen++) {
        event_wait_while(&pool->start, seen);
        if (pool->stop) return NULL;
        pool->body(pool->user, start.thread);
        if (atomic_fetch_sub(&pool->running, 1) == 1) event_advance(&pool->finish);
    }
}

static void stop_workers(ck_pool *pool, int started) {
    pool->stop = true;
    event_advance(&pool->start);
    for (int thread = 1; thread < started; thread++) pthread_join(pool->handles[thread], NULL);
}

static bool start_worker(ck_pool *pool, int thread) {
    worker_start *start = malloc(sizeof *start);
    if (!start) return false;
    *start = (worker_start){pool, thread};
    if (pthread_create(&pool->handles[thread], NULL, worker_main, start) == 0) return true;
    free(start);
    return false;
}

ck_pool *ck_pool_create(int threads) {
    if (threads < 1 || threads > most_threads) return NULL;
    ck_pool *pool = aligned_alloc(64, (sizeof *pool + 63) / 64 * 64);
    if (!pool) return NULL;
    *pool = (ck_pool){.threads = threads};
    for (int thread = 1; thread < threads; thread++) {
        if (start_worker(pool, thread)) continue;
        stop_workers(pool, thread);
        free(pool);
        return NULL;
    }
    return pool;
}

void ck_pool_destroy(ck_pool *pool) {
    if (!pool) return;
    stop_workers(pool, pool->threads);
    free(pool->scratch);
    free(pool);
}

int ck_pool_threads(const ck_pool *pool) {
    return pool->threads;
}

// MARK: Work

void ck_pool_run(ck_pool *pool, void (*body)(void *user, int thread), void *user) {
    if (pool->threads == 1) {
        body(user, 0);
        return;
    }
    pool->body = body;
    pool->user = user;
    uint32_t finished = atomic_load(&pool->finish.value);
    atomic_store(&pool->running, pool->threads - 1);
    event_advance(&pool->start);
    body(user, 0);
    event_wait_while(&pool->finish, finished);
}

typedef struct item_loop {
    ck_pool *pool;
    long count;
    void (*body)(void *user, long item, int thread);
    void *user;
} item_loop;

static void take_items(void *user, int thread) {
    item_loop *loop = user;
    for (;;) {
        long item = atomic_fetch_add_explicit(&loop->pool->next_item, 1, memory_order_relaxed);
        if (item >= loop->count) return;
        loop->body(loop->user, item, thread);
    }
}

void ck_pool_items(ck_pool *pool, long count, void (*body)(void *user, long item, int thread), void *user) {
    if (pool->threads == 1 || count == 1) {
        for (long item = 0; item < count; item++) body(user, item, 0);
        return;
    }
    if (count <= 0) return;
    atomic_store(&pool->next_item, 0);
    item_loop loop = {pool, count, body, user};
    ck_pool_run(pool, take_items, &loop);
}

/// A public body, which has no use for its thread's number.
typedef struct plain_body {
    void (*body)(void *user, long item);
    void *user;
} plain_body;

static void run_plain_body(void *user, long item, int thread) {
    (void)thread;
    plain_body *plain = user;
    plain->body(plain->user, item);
}

void ck_pool_for(ck_pool *pool, long count, void (*body)(void *user, long item), void *user) {
    plain_body plain = {body, user};
    ck_pool_items(pool, count, run_plain_body, &plain);
}

// MARK: Scratch

enum { huge_page = 2 << 20 };

float *ck_allocate_huge(size_t floats) {
    size_t bytes = (floats * sizeof(float) + huge_page - 1) / huge_page * huge_page;
    float *memory = aligned_alloc(huge_page, bytes);
    if (!memory) __builtin_trap();
    madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
}

void ck_pool_trim(ck_pool *pool) {
    free(pool->scratch);
    pool->scratch = 0;
    pool->scratch_floats = 0;
}

float *ck_pool_scratch(ck_pool *pool, size_t floats) {
    if (floats <= pool->scratch_floats) return pool->scratch;
    ck_pool_trim(pool);
    pool->scratch = ck_allocate_huge(floats);
    pool->scratch_floats = floats;
    return pool->scratch;
}
