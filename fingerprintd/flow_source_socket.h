/*
 * flow_source_socket - flows from the kernel's sockets: one listener for each
 * port that the decoys offer, on this machine's own addresses.  For places that
 * can't give raw addresses (a load balancer before us); no fingerprint is made
 * here, the kernel's own is what a scanner sees.
 */
#ifndef FINGERPRINTD_FLOW_SOURCE_SOCKET_H
#define FINGERPRINTD_FLOW_SOURCE_SOCKET_H

#include "fingerprintd/decoys.h"
#include "fingerprintd/flow.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct sockets;

enum { SOCKETS_ERROR_MAX = 256 };

struct sockets_settings {
	struct loop *loop;
	struct flows *flows;
	const char *address; /* to listen on; kept by the caller */
	uint16_t port_offset; /* added to a decoy's port: an ordinary user may not have those below 1024 */
	bool proxy; /* the balancer sends a PROXY header (v1 or v2) with the true client */
	const char *networks; /* who may connect: CIDRs separated by commas; kept by the caller */
	size_t max; /* connections of one port at once */
};

struct sockets *sockets_new(const struct sockets_settings *s);
/* Resets what is open. */
void sockets_free(struct sockets **sp);
/*
 * Listens on the ports of these decoys, and on no other any more: flows of
 * ports that are gone are reset.  d is borrowed until the next call.  False
 * with a sentence: a port can't be had, and nothing has changed.
 */
bool sockets_set_decoys(struct sockets *s, const struct decoys *d, char error[SOCKETS_ERROR_MAX]);
void sockets_drain(struct sockets *s); /* accept no more */

#endif
