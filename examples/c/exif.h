/* SPDX-License-Identifier: Apache-2.0 */
/* The little of a picture that a library of photographs wants to know: kind, size, day, thumbnail. Reads JPEG (with EXIF)
 * and PNG headers from untrusted bytes: every offset is checked, and what is not understood is left out.
 * Sources: JPEG (ITU T.81, annex B), EXIF 2.3 (IFDs of TIFF 6.0), PNG (ISO 15948, IHDR). */
#ifndef JZSE_EXAMPLES_C_EXIF_H_
#define JZSE_EXAMPLES_C_EXIF_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct picture {
  const char *content_type;       /* NULL: no picture that is known here */
  unsigned width, height;         /* pixels; 0 when not found */
  char taken[20];                 /* "2026:07:14 18:20:01", or "" */
  const unsigned char *thumbnail; /* inside the bytes given; NULL if there is none */
  size_t thumbnail_size;
} picture;

typedef struct tiff { /* the block that EXIF is in, and its byte order */
  const unsigned char *bytes;
  size_t size;
  int little;
} tiff;

static unsigned number(const tiff *t, size_t at, int count) {
  unsigned value = 0;
  int i;
  if (at > t->size || t->size - at < (size_t)count) return 0;
  for (i = 0; i < count; ++i) value |= (unsigned)t->bytes[at + (size_t)i] << 8 * (t->little ? i : count - 1 - i);
  return value;
}

/* The place of a tag's 12-byte entry in the directory at `directory`; 0 if it has none. */
static size_t find_tag(const tiff *t, size_t directory, unsigned tag) {
  const unsigned count = number(t, directory, 2);
  unsigned i;
  for (i = 0; directory != 0 && i < count; ++i)
    if (number(t, directory + 2 + 12 * (size_t)i, 2) == tag) return directory + 2 + 12 * (size_t)i;
  return 0;
}

static unsigned tag_value(const tiff *t, size_t directory, unsigned tag) {
  const size_t entry = find_tag(t, directory, tag);
  return entry == 0 ? 0 : number(t, entry + 8, 4);
}

static void read_exif(const unsigned char *bytes, size_t size, picture *found) {
  tiff t = {bytes, size, size > 0 && bytes[0] == 'I'};
  const size_t first = number(&t, 4, 4);
  const size_t second = first == 0 ? 0 : number(&t, first + 2 + 12 * (size_t)number(&t, first, 2), 4);
  const size_t photo = tag_value(&t, first, 0x8769);    /* the directory about the photograph */
  size_t taken = tag_value(&t, photo, 0x9003);          /* DateTimeOriginal, else DateTime */
  const size_t thumbnail = tag_value(&t, second, 0x0201), length = tag_value(&t, second, 0x0202);
  if (taken == 0) taken = tag_value(&t, first, 0x0132);
  if (taken != 0 && taken < size && size - taken >= 19) {
    memcpy(found->taken, bytes + taken, 19);
    if (strspn(found->taken, "0123456789: ") != 19) found->taken[0] = '\0'; /* no date, whatever it is */
  }
  if (thumbnail != 0 && length != 0 && thumbnail < size && size - thumbnail >= length) {
    found->thumbnail = bytes + thumbnail;
    found->thumbnail_size = length;
  }
}

static void read_jpeg(const unsigned char *bytes, size_t size, picture *found) {
  size_t at = 2;
  while (at + 9 < size && bytes[at] == 0xff) {
    const unsigned marker = bytes[at + 1];
    const size_t length = (size_t)bytes[at + 2] << 8 | bytes[at + 3]; /* of the segment, these two bytes included */
    if (length < 2 || length > size - at - 2 || marker == 0xda) return;
    if (marker == 0xe1 && length >= 8 && memcmp(bytes + at + 4, "Exif\0\0", 6) == 0)
      read_exif(bytes + at + 10, length - 8, found);
    if (marker >= 0xc0 && marker <= 0xc3) {
      found->height = (unsigned)bytes[at + 5] << 8 | bytes[at + 6];
      found->width = (unsigned)bytes[at + 7] << 8 | bytes[at + 8];
    }
    at += 2 + length;
  }
}

static picture look_at(const unsigned char *bytes, size_t size) {
  picture found;
  memset(&found, 0, sizeof found);
  if (size > 4 && memcmp(bytes, "\xff\xd8\xff", 3) == 0) {
    found.content_type = "image/jpeg";
    read_jpeg(bytes, size, &found);
  } else if (size > 24 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0) {
    const tiff header = {bytes, size, 0};
    found.content_type = "image/png";
    found.width = number(&header, 16, 4);
    found.height = number(&header, 20, 4);
  }
  return found;
}

#endif /* JZSE_EXAMPLES_C_EXIF_H_ */
