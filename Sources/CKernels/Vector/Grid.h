// How a product is divided: blocks of panels by chunks of rows (or lines). A thread starts with blocks of its
// own, so that it loads their weights once, and then takes chunks that others have not come to yet.

typedef struct work_grid {
    int threads;
    long panels, block_panels, blocks;
    long rows, chunk_rows, chunks;
    _Atomic long *taken; // chunks of each block
} work_grid;

/// At most `most_panels` panels a block and about `wanted_rows` rows a chunk. Where one block can hold all
/// and rows are many, threads divide the rows: loading all panels in each costs less than reading all rows.
static work_grid make_grid(ck_pool *pool, long panels, long most_panels, long rows, long wanted_rows) {
    work_grid grid = {.threads = ck_pool_threads(pool), .panels = panels, .rows = rows};
    long least = ck_ceil_div(panels, most_panels < 1 ? 1 : most_panels);
    bool many_rows = least == 1 && rows >= 4 * ck_panel_width * panels;
    grid.blocks = many_rows ? 1 : ck_min(panels, ck_ceil_div(least, grid.threads) * grid.threads);
    grid.block_panels = ck_ceil_div(panels, grid.blocks);
    grid.chunks = ck_ceil_div(rows, wanted_rows);
    if (grid.blocks < grid.threads) grid.chunks = ck_min(rows, (grid.chunks + 3) * grid.threads);
    grid.chunk_rows = ck_ceil_div(rows, grid.chunks);
    return grid;
}

/// Floats that the grid takes of the scratch memory.
static long grid_floats(const work_grid *grid) {
    return ck_line_floats(grid->blocks * (long)(sizeof(long) / sizeof(float)));
}

/// Puts the grid's counters at the start of `scratch` and returns what follows.
static float *start_grid(work_grid *grid, float *scratch) {
    grid->taken = (_Atomic long *)(void *)scratch;
    for (long block = 0; block < grid->blocks; block++) atomic_init(&grid->taken[block], 0);
    return scratch + grid_floats(grid);
}

/// The block that `thread` works on in its turn `turn`.
CK_INLINE long block_in_turn(const work_grid *grid, int thread, long turn) {
    return (turn + grid->blocks * thread / grid->threads) % grid->blocks;
}

/// The next chunk of a block, or −1.
CK_INLINE long take_chunk(const work_grid *grid, long block) {
    long chunk = atomic_fetch_add_explicit(&grid->taken[block], 1, memory_order_relaxed);
    return chunk < grid->chunks ? chunk : -1;
}

CK_INLINE long first_panel(const work_grid *grid, long block) {
    return grid->panels * block / grid->blocks;
}

CK_INLINE long first_row(const work_grid *grid, long chunk) {
    return grid->rows * chunk / grid->chunks;
}
