/// PNG through libpng, with its `longjmp` error handling kept inside C, where no Swift frame can be jumped
/// over.
#ifndef TESSERA_CPNG_H
#define TESSERA_CPNG_H

#include <stddef.h>
#include <stdint.h>

/// One text entry (PNG's iTXt): a Latin-1 keyword of 1–79 bytes and UTF-8 text, both zero-terminated.
typedef struct cpng_text {
    char *keyword;
    char *text;
} cpng_text;

/// An 8-bit RGB picture. `pixels` holds height·width·3 bytes, rows from the top.
typedef struct cpng_image {
    uint32_t width, height;
    uint8_t *pixels;
    cpng_text *texts;
    int text_count;
} cpng_image;

/// Bytes that the caller frees with `cpng_free_bytes`.
typedef struct cpng_bytes {
    uint8_t *data;
    size_t size;
} cpng_bytes;

enum { CPNG_MESSAGE_SIZE = 128 };

/// Encodes `image`. Returns 0, or -1 with `message` filled and `out` empty.
int cpng_encode(const cpng_image *image, cpng_bytes *out, char message[CPNG_MESSAGE_SIZE]);

/// Decodes any PNG to 8-bit RGB. Sides above `max_side` and text above 1 MiB an entry are refused.
/// Returns 0, or -1 with `message` filled and `out` empty. The caller frees `out` with `cpng_free_image`.
int cpng_decode(const uint8_t *data, size_t size, uint32_t max_side, cpng_image *out,
                char message[CPNG_MESSAGE_SIZE]);

void cpng_free_bytes(cpng_bytes *bytes);
void cpng_free_image(cpng_image *image);

#endif
