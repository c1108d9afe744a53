/*
 * tcp_table - finds what is known of a peer's connection by its addresses and
 * ports.  A keyed hash: nobody can choose ports so that chains grow long.
 */
#ifndef FINGERPRINTD_TCP_TABLE_H
#define FINGERPRINTD_TCP_TABLE_H

#include "base/wheel.h"
#include "fingerprintd/stack.h"

enum tcp_kind {
	TCP_HANDSHAKE, /* SYN received, SYN+ACK sent (tcp_handshake.c) */
	TCP_FLOW, /* the handshake is complete (tcp_flow.c) */
	TCP_WAIT, /* TIME-WAIT: both have finished, late segments may come (tcp_handshake.c) */
};

/* The first member of whatever is known of a connection. */
struct tcp_entry {
	struct tcp_entry *next; /* in its bucket */
	enum tcp_kind kind;
	struct stack_host *host;
	struct endpoint source; /* the peer */
	struct endpoint destination; /* our decoy */
	uint8_t link[STACK_LINK_BYTES];
	struct wheel_timer timer;
	uint64_t challenge_at_us; /* the next challenge ACK not before */
};

struct tcp_table {
	struct tcp_entry **buckets;
	size_t mask;
	uint64_t key[2];
};

/* Room for about cap entries; more only make chains longer. */
void tcp_table_init(struct tcp_table *t, size_t cap);
void tcp_table_fini(struct tcp_table *t);
struct tcp_entry *tcp_table_find(const struct tcp_table *t, const struct endpoint *source,
    const struct endpoint *destination);
void tcp_table_add(struct tcp_table *t, struct tcp_entry *e);
void tcp_table_remove(struct tcp_table *t, struct tcp_entry *e);
/* Every entry; each may remove the one that it is given, and no other. */
void tcp_table_each(struct tcp_table *t, void (*each)(void *ctx, struct tcp_entry *e), void *ctx);

/* The four-tuple as words, for keyed hashes of it. */
enum { TCP_TUPLE_WORDS = 5 };
void tcp_tuple_words(const struct endpoint *source, const struct endpoint *destination, uint64_t out[TCP_TUPLE_WORDS]);

#endif
