/*
 * mark - does a text name our own address or port?  Who tests a relay writes
 * into his mail which one it is, in some coding, so that the copy in his
 * drop-box tells it: dotted, reversed, hexadecimal, one number, in base64 ...
 * A table makes every coding of the address; each is then simply searched for.
 */
#ifndef COURIER_MARK_H
#define COURIER_MARK_H

#include "base/addr.h"

enum mark {
	MARK_NONE,
	MARK_PORT, /* the port alone: could be chance */
	MARK_ADDRESS,
};

enum { MARK_TEXT_MAX = 1024 * 1024 }; /* of a longer text only so much is looked at */

/* The strongest mark in the text, as it is and as base64 or quoted-printable may hide it. */
enum mark mark_find(const struct endpoint *decoy, const void *text, size_t len);
const char *mark_name(enum mark m); /* "none", "port", "address" */

#endif
