/*
 * dropbox - what is remembered of a recipient: that it is a spammer's drop-box,
 * or only that a network chose it for its first mail.  A value of a bucket, whose
 * key is quota_hash() of the address.
 */
#ifndef COURIER_DROPBOX_H
#define COURIER_DROPBOX_H

#include "courier/network.h"

#include <stdbool.h>

enum { DROPBOX_VALUE_MAX = 400 };

struct dropbox {
	bool proven;
	char network[NETWORK_TEXT_MAX]; /* that chose it first */
};

/* "dropbox NETWORK ADDRESS" or "chosen NETWORK ADDRESS"; the address is for people who look. */
void dropbox_format(const struct dropbox *d, const char *address, char out[DROPBOX_VALUE_MAX]);
/* False: none of ours. */
bool dropbox_parse(const char *value, struct dropbox *out);

#endif
