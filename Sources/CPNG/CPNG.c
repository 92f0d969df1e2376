#include "CPNG.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

/// zlib's level: 4 costs half of 6 and the files grow by a few per cent.
enum { COMPRESSION_LEVEL = 4 };
static const size_t MAX_TEXT_BYTES = 1 << 20;
static const int MAX_TEXTS = 64;

static void on_error(png_structp png, png_const_charp text) {
    char *message = png_get_error_ptr(png);
    strncpy(message, text, CPNG_MESSAGE_SIZE - 1);
    message[CPNG_MESSAGE_SIZE - 1] = 0;
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

// MARK: Encoding

static void append(png_structp png, png_bytep data, size_t size) {
    cpng_bytes *out = png_get_io_ptr(png);
    uint8_t *grown = realloc(out->data, out->size + size);
    if (!grown) png_error(png, "out of memory");
    memcpy(grown + out->size, data, size);
    out->data = grown;
    out->size += size;
}

static void nothing_to_flush(png_structp png) { (void)png; }

static void write_texts(png_structp png, png_infop info, const cpng_image *image) {
    for (int i = 0; i < image->text_count; i++) {
        png_text text = {
            .compression = PNG_ITXT_COMPRESSION_NONE,
            .key = image->texts[i].keyword,
            .text = image->texts[i].text,
            .itxt_length = strlen(image->texts[i].text),
        };
        png_set_text(png, info, &text, 1);
    }
}

int cpng_encode(const cpng_image *image, cpng_bytes *out, char message[CPNG_MESSAGE_SIZE]) {
    *out = (cpng_bytes){0};
    strcpy(message, "out of memory");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, message, on_error, on_warning);
    if (!png) return -1;
    png_infop info = png_create_info_struct(png);
    if (!info || setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        cpng_free_bytes(out);
        return -1;
    }
    png_set_write_fn(png, out, append, nothing_to_flush);
    png_set_IHDR(png, info, image->width, image->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, COMPRESSION_LEVEL);
    png_set_compression_buffer_size(png, 1 << 20);
    write_texts(png, info, image);
    png_write_info(png, info);
    for (uint32_t row = 0; row < image->height; row++)
        png_write_row(png, image->pixels + (size_t)row * image->width * 3);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return 0;
}

// MARK: Decoding

typedef struct reader {
    const uint8_t *data;
    size_t size, offset;
} reader;

static void take(png_structp png, png_bytep into, size_t size) {
    reader *source = png_get_io_ptr(png);
    if (size > source->size - source->offset) png_error(png, "the file ends too early");
    memcpy(into, source->data + source->offset, size);
    source->offset += size;
}

static void read_texts(png_structp png, png_infop info, cpng_image *out) {
    png_textp texts = NULL;
    int count = png_get_text(png, info, &texts, NULL);
    if (count > MAX_TEXTS) png_error(png, "too many text entries");
    if (count <= 0) return;
    out->texts = calloc(count, sizeof *out->texts);
    if (!out->texts) png_error(png, "out of memory");
    for (int i = 0; i < count; i++) {
        const char *text = texts[i].text ? texts[i].text : "";
        out->texts[i] = (cpng_text){strdup(texts[i].key), strdup(text)};
        out->text_count = i + 1;
        if (!out->texts[i].keyword || !out->texts[i].text) png_error(png, "out of memory");
    }
}

/// Asks libpng to turn every colour type and depth into 8-bit RGB.
static void want_rgb8(png_structp png) {
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
}

static void read_picture(png_structp png, png_infop info, cpng_image *out) {
    png_read_info(png, info);
    want_rgb8(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    out->width = png_get_image_width(png, info);
    out->height = png_get_image_height(png, info);
    size_t row_bytes = (size_t)out->width * 3;
    if (png_get_rowbytes(png, info) != row_bytes) png_error(png, "its colours cannot be read as RGB");
    out->pixels = calloc(out->height, row_bytes);
    if (!out->pixels) png_error(png, "out of memory");
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t row = 0; row < out->height; row++)
            png_read_row(png, out->pixels + row * row_bytes, NULL);
    png_read_end(png, info);
    read_texts(png, info, out);
}

int cpng_decode(const uint8_t *data, size_t size, uint32_t max_side, cpng_image *out,
                char message[CPNG_MESSAGE_SIZE]) {
    *out = (cpng_image){0};
    strcpy(message, "it is not a PNG file");
    if (size < 8 || png_sig_cmp(data, 0, 8)) return -1;
    strcpy(message, "out of memory");
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, message, on_error, on_warning);
    if (!png) return -1;
    png_infop info = png_create_info_struct(png);
    if (!info || setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        cpng_free_image(out);
        return -1;
    }
    reader source = {data, size, 0};
    png_set_read_fn(png, &source, take);
    png_set_user_limits(png, max_side, max_side);
    png_set_chunk_malloc_max(png, MAX_TEXT_BYTES);
    read_picture(png, info, out);
    png_destroy_read_struct(&png, &info, NULL);
    return 0;
}

void cpng_free_bytes(cpng_bytes *bytes) {
    free(bytes->data);
    *bytes = (cpng_bytes){0};
}

void cpng_free_image(cpng_image *image) {
    for (int i = 0; i < image->text_count; i++) {
        free(image->texts[i].keyword);
        free(image->texts[i].text);
    }
    free(image->texts);
    free(image->pixels);
    *image = (cpng_image){0};
}
