/*
 * tls_hello - a TLS client by its first message: what its ClientHello offers
 * (RFC 8446 4.1.2, RFC 5246 7.4.1.2), and the two fingerprints that people
 * compare, JA3 and JA4.  Bytes to value; no I/O, and no TLS is spoken here.
 */
#ifndef WIRE_TLS_HELLO_H
#define WIRE_TLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TLS_HELLO_MAX = 16 * 1024, /* of records; a longer ClientHello is left unread: browsers need 2 KiB */
	TLS_HELLO_LIST_MAX = 256, /* of each list; what comes after counts for nothing, and truncated says so */
	TLS_NAME_MAX = 256,
	TLS_JA3_MAX = 33, /* an MD5 in hexadecimal */
	TLS_JA4_MAX = 37, /* t13d1516h2_8daaf6152771_e5627efa2ab1 */
};

struct tls_list {
	uint16_t items[TLS_HELLO_LIST_MAX];
	size_t count;
};

/* GREASE values (RFC 8701) are in the lists, as they came. */
struct tls_hello {
	uint16_t version; /* legacy_version */
	struct tls_list ciphers, extensions, groups, formats, versions,
	    algorithms; /* algorithms: signature_algorithms */
	char server_name[TLS_NAME_MAX]; /* "" when not asked for */
	char alpn[TLS_NAME_MAX]; /* the first protocol offered */
	size_t alpn_len;
	bool truncated;
};

enum tls_hello_result { TLS_HELLO_MORE, TLS_HELLO_OK, TLS_HELLO_BAD };

/* Reads the first records of a connection; the message may be spread over several. */
enum tls_hello_result tls_hello_parse(const void *data, size_t len, struct tls_hello *out);
void tls_hello_ja3(const struct tls_hello *h, char out[TLS_JA3_MAX]);
/* Of TLS over TCP. */
void tls_hello_ja4(const struct tls_hello *h, char out[TLS_JA4_MAX]);

#endif
