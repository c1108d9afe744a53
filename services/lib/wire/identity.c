#include "wire/identity.h"

#include "base/mem.h"
#include "base/str.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool
hex_parse(const char *text, struct site_key *out)
{
	out->len = 0;
	for (; text[0] != '\0' && text[0] != '\n'; text += 2) {
		int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0 || out->len == SITE_KEY_MAX)
			return false;
		out->bytes[out->len++] = (uint8_t)(high << 4 | low);
	}
	return out->len >= SITE_KEY_MIN;
}

bool
site_key_load(const char *path, struct site_key *out, char *error, size_t error_size)
{
	char text[2 * SITE_KEY_MAX + 3];
	FILE *f = fopen(path, "re");

	if (f == NULL) {
		snprintf(error, error_size, "site key file %s can't be opened: %m", path);
		return false;
	}
	size_t len = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[len] = '\0';
	if (!hex_parse(text, out)) {
		snprintf(error, error_size, "site key file %s must hold %d to %d bytes as hexadecimal digits", path,
		    (int)SITE_KEY_MIN, (int)SITE_KEY_MAX);
		return false;
	}
	return true;
}

/* HMAC(key, purpose NUL data): the NUL keeps ("a", "bc") and ("ab", "c") apart. */
void
identity_derive_bytes(const struct site_key *key, const void *data, size_t len, const char *purpose,
    uint8_t out[IDENTITY_BYTES])
{
	size_t head = strlen(purpose) + 1;
	uint8_t stack[512];
	uint8_t *message = head + len <= sizeof(stack) ? stack : xcalloc(1, head + len);
	unsigned out_len = IDENTITY_BYTES;

	memcpy(message, purpose, head);
	if (len > 0)
		memcpy(message + head, data, len);
	HMAC(EVP_sha256(), key->bytes, (int)key->len, message, head + len, out, &out_len);
	if (message != stack)
		free(message);
}

void
identity_derive(const struct site_key *key, const struct addr *address, const char *purpose,
    uint8_t out[IDENTITY_BYTES])
{
	identity_derive_bytes(key, address->b, sizeof(address->b), purpose, out);
}

uint64_t
identity_u64(const struct site_key *key, const struct addr *address, const char *purpose)
{
	uint8_t bytes[IDENTITY_BYTES];
	uint64_t v = 0;

	identity_derive(key, address, purpose, bytes);
	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | bytes[i];
	return v;
}

struct sha256 {
	EVP_MD_CTX *ctx;
};

/* Fetched once: EVP_sha256() makes OpenSSL 3 look for its provider at each use. */
static const EVP_MD *
sha256_method(void)
{
	static _Atomic(EVP_MD *) method;
	EVP_MD *m = atomic_load(&method), *none = NULL;

	if (m != NULL)
		return m;
	m = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!atomic_compare_exchange_strong(&method, &none, m)) {
		EVP_MD_free(m);
		m = none;
	}
	return m;
}

struct sha256 *
sha256_new(void)
{
	struct sha256 *s = xcalloc(1, sizeof(*s));

	s->ctx = EVP_MD_CTX_new();
	if (s->ctx == NULL || EVP_DigestInit_ex(s->ctx, sha256_method(), NULL) != 1)
		abort(); /* libcrypto without SHA-256 or memory */
	return s;
}

void
sha256_add(struct sha256 *s, const void *data, size_t len)
{
	EVP_DigestUpdate(s->ctx, data, len);
}

void
sha256_finish(struct sha256 **sp, uint8_t out[SHA256_BYTES])
{
	struct sha256 *s = *sp;

	if (s == NULL)
		return;
	if (out != NULL)
		EVP_DigestFinal_ex(s->ctx, out, NULL);
	EVP_MD_CTX_free(s->ctx);
	free(s);
	*sp = NULL;
}

void
hmac_md5_hex(const char *password, const char *challenge, char out[HMAC_MD5_HEX_MAX])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	HMAC(EVP_md5(), password, (int)strlen(password), (const uint8_t *)challenge, strlen(challenge), digest, &len);
	str_hex(out, digest, len);
}
