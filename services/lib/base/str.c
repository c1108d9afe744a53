#include "base/str.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

bool
str_copy_bytes(char *out, size_t size, const void *data, size_t len)
{
	size_t n = len < size ? len : size - 1;

	memcpy(out, data, n);
	out[n] = '\0';
	return n == len;
}

bool
str_copy(char *out, size_t size, const char *text)
{
	return str_copy_bytes(out, size, text, strlen(text));
}

/* Length of the valid UTF-8 sequence at p (RFC 3629 4), 0 when there is none. */
static size_t
utf8_len(const uint8_t *p, size_t left)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (left < n || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

bool
str_is_utf8(const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len;) {
		size_t n = utf8_len(p + i, len - i);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

/* What goes as it is: ASCII but NUL and the backslash. */
static size_t
plain_run(const uint8_t *p, size_t len)
{
	size_t n = 0;

	while (n < len && p[n] != 0 && p[n] < 0x80 && p[n] != '\\')
		n++;
	return n;
}

bool
str_escape(char *out, size_t size, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;
	size_t used = 0;

	for (size_t i = 0; i < len;) {
		size_t room = size - used - 1;
		size_t n = plain_run(p + i, len - i < room ? len - i : room);

		memcpy(out + used, p + i, n);
		used += n;
		i += n;
		if (i == len)
			break;
		n = utf8_len(p + i, len - i);
		bool escape = n == 0 || p[i] == 0 || (p[i] == '\\' && i + 1 < len && p[i + 1] == 'x');
		size_t need = escape ? 4 : n;

		if (used + need + 1 > size) {
			out[used] = '\0';
			return false;
		}
		if (escape) {
			out[used++] = '\\';
			out[used++] = 'x';
			out[used++] = digits[p[i] >> 4];
			out[used++] = digits[p[i] & 15];
			i++;
		} else {
			memcpy(out + used, p + i, n);
			used += n;
			i += n;
		}
	}
	out[used] = '\0';
	return true;
}

void
str_hex(char *out, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * len] = '\0';
}

size_t
str_decimal(char *out, uint64_t v)
{
	size_t len = 1;

	for (uint64_t rest = v; rest >= 10; rest /= 10)
		len++;
	for (size_t i = len; i-- > 0; v /= 10)
		out[i] = (char)('0' + v % 10);
	out[len] = '\0';
	return len;
}

bool
str_starts_nocase(const char *text, const char *prefix)
{
	return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

bool
str_listed(const char *list, const char *word)
{
	size_t len;

	for (const char *p = list + strspn(list, ", "); *p != '\0'; p += len + strspn(p + len, ", ")) {
		len = strcspn(p, ", ");
		if (len == strlen(word) && strncasecmp(p, word, len) == 0)
			return true;
	}
	return false;
}

int
str_base64_digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}
