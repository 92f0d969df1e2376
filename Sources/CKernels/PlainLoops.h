// The bodies of `ck_plain`, included once for each path (inside its target attribute). No include guard.

typedef float cache_line __attribute__((ext_vector_type(16)));

/// One pixel's channels, past the caches where `stream` asks for it and whole lines allow it.
CK_INLINE void copy_pixel(const float *x, float *y, long channels, bool stream) {
    if (stream && channels % 16 == 0 && ((uintptr_t)y & 63) == 0) {
        for (long channel = 0; channel < channels; channel += 16) {
            cache_line line;
            __builtin_memcpy(&line, x + channel, sizeof line);
            __builtin_nontemporal_store(line, (cache_line *)(void *)(y + channel));
        }
    } else {
        for (long channel = 0; channel < channels; channel++) y[channel] = x[channel];
    }
}

static void copy_row(void *work, long row) {
    const ck_map_work *w = work;
    const float *x = w->x + row * w->width * w->ldx;
    float *y = w->y + ck_row_start(w->height, w->width, row, w->padded_output, w->ldy);
    bool dense = w->ldx == w->channels && w->ldy == w->channels;
    if (dense) __builtin_memcpy(y, x, (size_t)(w->width * w->channels) * sizeof(float));
    for (long column = 0; column < w->width && !dense; column++) {
        copy_pixel(x + column * w->ldx, y + column * w->ldy, w->channels, w->stream);
    }
    if (w->padded_output) ck_clear_border(w->height, w->width, w->channels, row, w->y, w->ldy);
}

static void average_pool_row(void *work, long row) {
    const ck_map_work *w = work;
    long height = w->height / 2, width = w->width / 2;
    float *y = w->y + ck_row_start(height, width, row, w->padded_output, w->ldy);
    const float *upper = w->x + row * 2 * w->width * w->ldx, *lower = upper + w->width * w->ldx;
    for (long column = 0; column < width; column++) {
        for (long channel = 0; channel < w->channels; channel++) {
            long left = column * 2 * w->ldx + channel, right = left + w->ldx;
            float sum = (upper[left] + upper[right]) + (lower[left] + lower[right]);
            y[column * w->ldy + channel] = sum * 0.25f;
        }
    }
    if (w->padded_output) ck_clear_border(height, width, w->channels, row, w->y, w->ldy);
}

static void nearest_row(void *work, long row) {
    const ck_map_work *w = work;
    long height = w->height * 2, width = w->width * 2;
    const float *x = w->x + row * w->width * w->ldx;
    for (long half = 0; half < 2; half++) {
        long out_row = row * 2 + half;
        float *y = w->y + ck_row_start(height, width, out_row, w->padded_output, w->ldy);
        for (long column = 0; column < width; column++) {
            copy_pixel(x + column / 2 * w->ldx, y + column * w->ldy, w->channels, w->stream);
        }
        if (w->padded_output) ck_clear_border(height, width, w->channels, out_row, w->y, w->ldy);
    }
}

static void bicubic_columns(void *work, long row) {
    const ck_bicubic_work *w = work;
    const float *x = w->x + row * w->width * w->ldx;
    float *middle = w->middle + row * w->out_width * w->channels;
    for (long column = 0; column < w->out_width; column++) {
        const float *weights = w->columns.weights + column * w->columns.taps;
        const float *source = x + w->columns.first[column] * w->ldx;
        for (long channel = 0; channel < w->channels; channel++) {
            float sum = 0.0f;
            for (long tap = 0; tap < w->columns.taps; tap++) {
                sum = __builtin_fmaf(source[tap * w->ldx + channel], weights[tap], sum);
            }
            middle[column * w->channels + channel] = sum;
        }
    }
}

static void bicubic_rows(void *work, long row) {
    const ck_bicubic_work *w = work;
    long image = row / w->out_height, out_y = row % w->out_height, line = w->out_width * w->channels;
    const float *weights = w->rows.weights + out_y * w->rows.taps;
    const float *source = w->middle + (image * w->height + w->rows.first[out_y]) * line;
    float *y = w->y + row * w->out_width * w->ldy;
    for (long column = 0; column < w->out_width; column++) {
        for (long channel = 0; channel < w->channels; channel++) {
            long position = column * w->channels + channel;
            float sum = 0.0f;
            for (long tap = 0; tap < w->rows.taps; tap++) {
                sum = __builtin_fmaf(source[tap * line + position], weights[tap], sum);
            }
            y[column * w->ldy + channel] = sum;
        }
    }
}

static void add_block(void *work, long item) {
    const ck_add_work *w = work;
    for (long i = item * ck_add_block; i < ck_min(w->count, (item + 1) * ck_add_block); i++) {
        w->y[i] = w->a[i] + w->b[i];
    }
}

#define CK_PLAIN_TABLE \
    {copy_row, average_pool_row, nearest_row, bicubic_columns, bicubic_rows, add_block}
