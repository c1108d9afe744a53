#include "wire/token.h"

#include "base/reader.h"
#include "base/writer.h"

#include <string.h>

/*
 * Tag and stream, as SIV does: tag = HMAC(key, plain), cipher = plain XOR
 * HMAC(key, tag).  The same token gives the same text, two tokens share no
 * stream, and a changed letter changes the tag that is expected.  IPv4 takes
 * 4 bytes; of an IPv6 address the /64 is kept: the rest changes daily and the
 * text must fit into a local part.
 */
enum {
	TAG_BYTES = 6,
	REST_BYTES = 8, /* minutes and place */
	PLAIN_V4 = 4 + REST_BYTES,
	PLAIN_V6 = 8 + REST_BYTES,
	SEALED_MAX = TAG_BYTES + PLAIN_V6,
	DOT_AFTER = 8, /* a dot in the middle: given.surname */
};

/* Five bits a character; none that is mistaken for another. */
static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";

static size_t
text_len(size_t bytes)
{
	return (bytes * 8 + 4) / 5;
}

static void
tag_of(const struct site_key *key, const uint8_t *plain, size_t len, uint8_t tag[TAG_BYTES])
{
	uint8_t mac[IDENTITY_BYTES];

	identity_derive_bytes(key, plain, len, "token tag", mac);
	memcpy(tag, mac, TAG_BYTES);
}

/* Seals and opens alike. */
static void
apply_stream(const struct site_key *key, const uint8_t tag[TAG_BYTES], uint8_t *data, size_t len)
{
	uint8_t stream[IDENTITY_BYTES];

	identity_derive_bytes(key, tag, TAG_BYTES, "token stream", stream);
	for (size_t i = 0; i < len; i++)
		data[i] ^= stream[i];
}

static void
encode(const uint8_t *data, size_t len, char out[TOKEN_TEXT_MAX])
{
	size_t used = 0;

	for (size_t i = 0; i < text_len(len); i++) {
		unsigned value = 0;

		for (size_t bit = i * 5; bit < i * 5 + 5; bit++)
			value = value << 1 | (bit < len * 8 ? (unsigned)data[bit / 8] >> (7 - bit % 8) & 1u : 0u);
		if (i == DOT_AFTER)
			out[used++] = '.';
		out[used++] = alphabet[value];
	}
	out[used] = '\0';
}

/* Reads letters without dots and in any case; false: a foreign letter, or one too many. */
static bool
decode(const char *text, uint8_t *data, size_t size, size_t *letters)
{
	memset(data, 0, size);
	*letters = 0;
	for (; *text != '\0'; text++) {
		char c = *text >= 'A' && *text <= 'Z' ? (char)(*text + 32) : *text;
		const char *found = strchr(alphabet, c);

		if (c == '.')
			continue;
		if (found == NULL || *letters == text_len(size))
			return false;
		unsigned value = (unsigned)(found - alphabet);

		for (size_t i = 0; i < 5; i++) {
			size_t bit = *letters * 5 + i;

			if ((value >> (4 - i) & 1) != 0 && bit >= size * 8)
				return false;
			if ((value >> (4 - i) & 1) != 0)
				data[bit / 8] |= (uint8_t)(1u << (7 - bit % 8));
		}
		(*letters)++;
	}
	return true;
}

void
token_seal(const struct site_key *key, const struct token *t, char out[TOKEN_TEXT_MAX])
{
	uint8_t sealed[SEALED_MAX];
	uint8_t *plain = sealed + TAG_BYTES;
	bool v4 = addr_is_v4(&t->harvester);
	struct writer w;

	writer_init(&w, plain, PLAIN_V6);
	if (v4)
		writer_u32(&w, addr_v4(&t->harvester));
	else
		writer_bytes(&w, t->harvester.b, 8);
	writer_u32(&w, t->minutes);
	writer_u32(&w, t->place);
	tag_of(key, plain, writer_len(&w), sealed);
	apply_stream(key, sealed, plain, writer_len(&w));
	encode(sealed, TAG_BYTES + writer_len(&w), out);
}

static bool
open_sealed(const struct site_key *key, uint8_t *sealed, size_t len, struct token *out)
{
	uint8_t *plain = sealed + TAG_BYTES, tag[TAG_BYTES];
	size_t plain_len = len - TAG_BYTES;
	struct reader r;

	apply_stream(key, sealed, plain, plain_len);
	tag_of(key, plain, plain_len, tag);
	if (memcmp(tag, sealed, TAG_BYTES) != 0)
		return false;
	memset(out, 0, sizeof(*out));
	reader_init(&r, plain, plain_len);
	if (plain_len == PLAIN_V4)
		out->harvester = addr_from_v4(reader_u32(&r));
	else
		reader_copy(&r, out->harvester.b, 8);
	out->minutes = reader_u32(&r);
	out->place = reader_u32(&r);
	return true;
}

bool
token_open(const struct site_key *key, const char *local_part, struct token *out)
{
	static const size_t lengths[] = { TAG_BYTES + PLAIN_V4, TAG_BYTES + PLAIN_V6 };
	uint8_t sealed[SEALED_MAX];
	size_t letters;

	for (size_t i = 0; i < 2; i++) {
		if (decode(local_part, sealed, lengths[i], &letters) && letters == text_len(lengths[i]))
			return open_sealed(key, sealed, lengths[i], out);
	}
	return false;
}
