/*
 * listener - where flows come in: accepts, checks the network, reads the PROXY
 * header within 3 s, and hands over a conn with what is known of the flow.
 * Full (capacity) and draining refuse by closing at once.
 */
#ifndef DAEMON_LISTENER_H
#define DAEMON_LISTENER_H

#include "daemon/conn.h"
#include "wire/proxy.h"

enum { LISTENER_NETWORKS_MAX = 16, LISTENER_HEADER_MS = 3000 };

struct listener;

struct listener_settings {
	const char *address; /* "198.18.0.1:2525" */
	const char *networks; /* who may connect: CIDRs separated by commas */
	bool proxy; /* header required; false only on a loopback address, or anywhere */
	bool anywhere; /* for who faces the world itself: no header is needed, whatever the address */
	bool uncounted; /* what comes here is no flow: metrics leave it out */
	long capacity; /* open flows at once */
};

/*
 * opened gets a conn without ops: set them with conn_set_ops() at once; bytes
 * after the header may already wait (conn_input_len()). Without PROXY, info
 * holds the socket's own addresses and a new flow id.
 */
typedef void listener_open_cb(void *ctx, struct conn *c, const struct flow_info *info);
/* Exits with a sentence when the address can't be had. */
struct listener *listener_new(struct loop *l, const struct listener_settings *s, listener_open_cb *opened, void *ctx);
/* NULL with a sentence in error instead. */
struct listener *listener_try(struct loop *l, const struct listener_settings *s, listener_open_cb *opened, void *ctx,
    char *error, size_t size);
void listener_stop(struct listener *ln); /* accept no more; open flows live on */
void listener_free(struct listener **lp);
uint16_t listener_port(const struct listener *ln);
/* The service says when a flow that it was given has ended: frees its place. */
void listener_flow_ended(struct listener *ln);
size_t listener_flows(const struct listener *ln);

#endif
