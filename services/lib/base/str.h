/* str - bounded text: copies that say when they cut, and the one way in which a peer's bytes become text. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies and ends with NUL; false when it had to cut. */
bool str_copy(char *out, size_t size, const char *text);
bool str_copy_bytes(char *out, size_t size, const void *data, size_t len);
/*
 * Writes a peer's bytes as UTF-8 text: bytes that are not valid UTF-8, NUL and
 * a backslash before 'x' become \xHH, so that the text can be turned back.
 * Never cuts within a character or an escape.  Returns false when it cut.
 */
bool str_escape(char *out, size_t size, const void *data, size_t len);
/* The whole of it, RFC 3629. */
bool str_is_utf8(const void *data, size_t len);
/* Lower-case hexadecimal; out holds 2 * len + 1. */
void str_hex(char *out, const void *data, size_t len);
/* The number's digits and a NUL, at most 21 bytes; returns how many digits. */
size_t str_decimal(char *out, uint64_t v);
/* Is word one of those that list has, separated by commas or spaces? Case doesn't matter. */
bool str_listed(const char *list, const char *word);
/* The value of a digit of base64 (RFC 4648 4), 0 to 63; -1: it is none. */
int str_base64_digit(uint8_t c);
bool str_starts_nocase(const char *text, const char *prefix);

#endif
