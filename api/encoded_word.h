/*
 * encoded_word - subjects as people read them (RFC 2047), in UTF-8.  A word
 * that is malformed or in a charset that we don't know stays as it came.
 */
#ifndef API_ENCODED_WORD_H
#define API_ENCODED_WORD_H

#include <stddef.h>

/* Writes valid UTF-8, cut at size. */
void encoded_word_decode(const char *text, char *out, size_t size);

#endif
