#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "Dispatch.h"

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/// Every thread repeats one measure until `deadline` and adds what it did to its own slot.
typedef struct peak_work {
    const ck_path_table *table;
    double deadline;
    float *memory;
    size_t floats_per_thread;
    double done[256];
    float sinks[256];
} peak_work;

static void spend_until_deadline(void *user, int thread) {
    peak_work *work = user;
    do {
        work->done[thread] += work->table->spend_flops(20000, &work->sinks[thread]);
    } while (seconds_now() < work->deadline);
}

static void spend_integers_until_deadline(void *user, int thread) {
    peak_work *work = user;
    do {
        work->done[thread] += work->table->spend_integer_ops(20000, &work->sinks[thread]);
    } while (seconds_now() < work->deadline);
}

static void read_until_deadline(void *user, int thread) {
    peak_work *work = user;
    const float *part = work->memory + (size_t)thread * work->floats_per_thread;
    do {
        work->sinks[thread] += work->table->read_all(part, work->floats_per_thread);
        work->done[thread] += (double)(work->floats_per_thread * sizeof(float));
    } while (seconds_now() < work->deadline);
}

enum { bursts = 10 };

/// Sum of what the threads did in the best of ten bursts, in 10⁹ a second: others may use the machine too.
static double measure(ck_pool *pool, peak_work *work, void (*body)(void *, int), double seconds) {
    double best = 0.0;
    for (int burst = 0; burst < bursts; burst++) {
        for (int thread = 0; thread < ck_pool_threads(pool); thread++) work->done[thread] = 0.0;
        double start = seconds_now(), total = 0.0;
        work->deadline = start + seconds / bursts;
        ck_pool_run(pool, body, work);
        double elapsed = seconds_now() - start;
        for (int thread = 0; thread < ck_pool_threads(pool); thread++) total += work->done[thread];
        if (total / elapsed > best) best = total / elapsed;
    }
    return best * 1e-9;
}

double ck_measure_fma_peak(ck_context context, double seconds) {
    peak_work work = {.table = ck_table_for(context.path)};
    return measure(context.pool, &work, spend_until_deadline, seconds);
}

double ck_measure_integer_peak(ck_context context, double seconds) {
    peak_work work = {.table = ck_products_for(context.path, CK_FAST)};
    return measure(context.pool, &work, spend_integers_until_deadline, seconds);
}

double ck_measure_read_bandwidth(ck_context context, double seconds) {
    size_t total = (size_t)64 << 20; // floats: 256 MiB, past any cache here
    size_t threads = (size_t)ck_pool_threads(context.pool);
    peak_work work = {.table = ck_table_for(context.path), .floats_per_thread = total / threads / 64 * 64};
    work.memory = ck_allocate_huge(total);
    for (size_t i = 0; i < total; i++) work.memory[i] = 1.0f;
    double speed = measure(context.pool, &work, read_until_deadline, seconds);
    free(work.memory);
    return speed;
}
