/*
 * raw_mail - the stored octets of one mail, read from stream MAIL part by part.
 *
 * Holds one part at a time, whatever the mail's size.  The last part is given
 * out only after the whole has the size and SHA-256 of its commit, so a client
 * that got all bytes got the right ones.  Blocks: for http's threads only.
 */
#ifndef API_RAW_MAIL_H
#define API_RAW_MAIL_H

#include "api/api.h"

struct bus;

/* Fills out when the first part is there; out->free must be called then. */
enum raw_result raw_mail_open(struct bus *b, const struct raw_mail *mail, struct reply_stream *out);

#endif
