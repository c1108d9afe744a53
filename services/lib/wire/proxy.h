/*
 * proxy - the PROXY protocol of HAProxy, versions 1 and 2, and HoneySpam's
 * TLVs (DESIGN 3.1).  Bytes to value and back; no I/O.
 */
#ifndef WIRE_PROXY_H
#define WIRE_PROXY_H

#include "base/addr.h"

#include <stddef.h>
#include <stdint.h>

enum {
	PROXY_HEADER_MAX = 2048, /* a longer header is malformed: nobody needs it */
	PROXY_TLV_TEXT_MAX = 256, /* a host name has 253 characters (RFC 1035 2.3.4) */
};

/* Everything a trap knows of a flow before its first byte. Text fields are "" when absent. */
struct flow_info {
	struct endpoint source; /* the spammer */
	struct endpoint destination; /* the decoy */
	char id[PROXY_TLV_TEXT_MAX]; /* PP2_TYPE_UNIQUE_ID: flow id, a ULID */
	char authority[PROXY_TLV_TEXT_MAX]; /* PP2_TYPE_AUTHORITY: host name asked of a proxy */
	char personality[PROXY_TLV_TEXT_MAX]; /* 0xE0 */
	char look[PROXY_TLV_TEXT_MAX]; /* 0xE1 */
	char os_guess[PROXY_TLV_TEXT_MAX]; /* 0xE2 */
	char site[PROXY_TLV_TEXT_MAX]; /* 0xE3 */
	char via[PROXY_TLV_TEXT_MAX]; /* 0xE4: the proxy flow that this one came through */
	char asked[PROXY_TLV_TEXT_MAX]; /* 0xE5: host:port asked of a proxy */
};

enum proxy_result {
	PROXY_MORE, /* a prefix of a header so far */
	PROXY_OK, /* *used bytes were the header, info is filled in */
	PROXY_LOCAL, /* v2 LOCAL or v1 UNKNOWN: a health check; close silently */
	PROXY_BAD,
};

/* Reads v1 or v2. Text TLVs with NUL or control characters are malformed; unknown TLVs are skipped. */
enum proxy_result proxy_parse(const void *data, size_t len, struct flow_info *info, size_t *used);
/* Writes a v2 PROXY header for TCP; returns its length, 0 when size is too small. */
size_t proxy_format(const struct flow_info *info, void *buf, size_t size);

#endif
