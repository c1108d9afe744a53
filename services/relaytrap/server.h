/* server - flows in, SMTP sessions held, mails handed to the store, events out. */
#ifndef RELAYTRAP_SERVER_H
#define RELAYTRAP_SERVER_H

#include "daemon/daemon.h"
#include "daemon/listener.h"
#include "relaytrap/sources.h"

struct server;

struct server_settings {
	struct listener_settings listen;
	const char *host_domain;
	const char *mx_domains; /* separated by commas */
	uint64_t message_max;
	uint64_t memory_max;
	struct sources_settings sources;
	size_t tls_sessions; /* most that speak TLS at once; 0: none is offered */
	unsigned idle_max_ms; /* 0: the look's own */
	bool auth_offered;
	const char *auth_weak;
	unsigned auth_after;
};

struct server *server_new(struct daemon *d, const struct server_settings *s);
/* No new flows; daemon_drained() is called when the last one has ended. */
void server_drain(struct server *s);
/* Goodbye to all sessions that are left; a mail that is being stored is answered first. */
void server_shutdown(struct server *s);
/* The loop ends: so do threads. */
void server_stop(struct server *s);
size_t server_sessions(const struct server *s);
uint16_t server_port(const struct server *s);

#endif
