/*
 * attachment - how the gateway is joined to the world (setting `attachment`):
 * `raw` holds the decoys' addresses on a wire, `service` listens on the
 * kernel's sockets behind a load balancer.  main.c runs either by this table.
 */
#ifndef FINGERPRINTD_ATTACHMENT_H
#define FINGERPRINTD_ATTACHMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct daemon;
struct decoys;
struct flow_target;
struct flows;

enum { ATTACHMENT_ERROR_MAX = 640 };

/* What main.c gives to the one that was chosen. */
struct attachment_world {
	struct daemon *daemon;
	struct flows *flows;
	/* The OS that a SYN tells of; target->os is filled in. */
	void (*guess)(struct flow_target *target);
	void (*hurry)(void); /* advance() is wanted every 10 ms, until busy() is false */
	size_t flows_max;
};

struct attachment {
	const char *name;
	/* False: something that only people can give is missing, and the log has said what. Exits for other reasons. */
	bool (*start)(const struct attachment_world *w);
	/*
	 * From now on these decoys; before (NULL at first) is freed by the caller
	 * afterwards. False with a sentence: they can't be had here, nothing has changed.
	 */
	bool (*adopt)(struct decoys *now, struct decoys *before, char error[ATTACHMENT_ERROR_MAX]);
	/* These four may be NULL: the kernel does it. */
	void (*advance)(uint64_t now_us); /* timers: every 10 ms when busy, every 250 ms when not */
	bool (*busy)(void);
	void (*sweep)(uint64_t now_ms); /* every 100 ms */
	void (*measure)(void); /* metrics, each second */
	void (*drain)(void); /* take no new flow */
	void (*stop)(struct decoys *decoys); /* flows are gone already; decoys may be NULL */
};

extern const struct attachment attachment_raw, attachment_service;

/* Their settings; main.c has the table. */
struct attachment_settings {
	const char *interface; /* raw */
	bool mac_shared;
	long half_open_max;
	const char *listen_address; /* service */
	long listen_port_offset;
	const char *listen_proxy;
	const char *listen_networks;
};
extern struct attachment_settings attachment_settings;

#endif
