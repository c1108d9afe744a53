/*
 * netio - Ethernet frames in and out of one interface; the seam behind which
 * libpcap and libdnet live.  Frames that this machine sends itself are not
 * seen.  It neither asks nor answers ARP.
 */
#ifndef FINGERPRINTD_NETIO_H
#define FINGERPRINTD_NETIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct netio;

enum { NETIO_TURN_MAX = 256, NETIO_ERROR_MAX = 512 }; /* frames a turn of the loop: timers and traps get theirs too */

struct netio_ops {
	/* age_us: how long ago it came; what is measured between packets must not see how busy we are. */
	void (*frame)(void *ctx, const uint8_t *frame, size_t len, uint64_t age_us);
	void (*turn)(void *ctx); /* after the frames of one turn; may be NULL */
	void *ctx;
};

struct netio_counters {
	uint64_t received;
	uint64_t dropped; /* by the kernel: the ring was full */
	uint64_t cut; /* longer than we take */
	uint64_t sent;
	uint64_t send_failed;
};

/* NULL with a sentence in error; forbidden: because this process may not use raw packets (CAP_NET_RAW). */
struct netio *netio_open(struct loop *l, const char *interface, const struct netio_ops *ops, bool *forbidden,
    char error[NETIO_ERROR_MAX]);
void netio_close(struct netio **np);
void netio_mac(const struct netio *n, uint8_t mac[6]); /* the interface's own */
void netio_send(struct netio *n, const void *frame, size_t len);
const struct netio_counters *netio_counters(struct netio *n);

#endif
