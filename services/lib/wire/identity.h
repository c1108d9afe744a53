/*
 * identity - what makes a decoy itself, derived and never stored (DESIGN 3.9):
 * HMAC-SHA-256(site key, address, purpose).  The same key and address give the
 * same values in every process and on every node.
 */
#ifndef WIRE_IDENTITY_H
#define WIRE_IDENTITY_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SITE_KEY_MIN = 16, SITE_KEY_MAX = 64, IDENTITY_BYTES = 32 };

struct site_key {
	uint8_t bytes[SITE_KEY_MAX];
	size_t len;
};

/* The file holds SITE_KEY_MIN to SITE_KEY_MAX bytes in hexadecimal; false with a sentence in error. */
bool site_key_load(const char *path, struct site_key *out, char *error, size_t error_size);
/* purpose: a short constant like "isn" or "boot". */
void identity_derive(const struct site_key *key, const struct addr *address, const char *purpose,
    uint8_t out[IDENTITY_BYTES]);
/* The same for something that is no address: a host name, a path. */
void identity_derive_bytes(const struct site_key *key, const void *data, size_t len, const char *purpose,
    uint8_t out[IDENTITY_BYTES]);
uint64_t identity_u64(const struct site_key *key, const struct addr *address, const char *purpose);

enum { HMAC_MD5_HEX_MAX = 33 };
/* CRAM-MD5's response to a challenge (RFC 2195), in hexadecimal. */
void hmac_md5_hex(const char *password, const char *challenge, char out[HMAC_MD5_HEX_MAX]);

enum { SHA256_BYTES = 32 };
struct sha256; /* a running digest */
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *s, const void *data, size_t len);
/* Writes the digest, frees and sets the caller's pointer to NULL. out may be NULL. */
void sha256_finish(struct sha256 **sp, uint8_t out[SHA256_BYTES]);

#endif
