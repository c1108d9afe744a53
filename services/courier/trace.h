/*
 * trace - the Received field that the decoy's own server would have put before
 * the mail (RFC 5321 4.4).  A relay that adds none is no relay that a spammer
 * knows; everything after it is what he sent, byte for byte.
 */
#ifndef COURIER_TRACE_H
#define COURIER_TRACE_H

#include "courier/relay_mail.h"

enum { TRACE_MAX = 2048, TRACE_DATE_MAX = 40 };

/*
 * The whole field with its CRLF, in the manner of the look; what the peer said in it is made harmless. Sender and
 * recipient are addresses that deny.h found well-formed.
 */
const char *trace_format(const struct relay_mail *m, const char *recipient, uint64_t wall_ms, char out[TRACE_MAX]);
/* "Thu, 26 Nov 2026 14:00:00", UTC */
const char *trace_date(uint64_t wall_ms, char out[TRACE_DATE_MAX]);

#endif
