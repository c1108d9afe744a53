/* server - flows in, sessions held, mail ports joined to a relay replica, events out. */
#ifndef PROXYTRAP_SERVER_H
#define PROXYTRAP_SERVER_H

#include "daemon/daemon.h"
#include "daemon/listener.h"

struct server;

struct server_settings {
	struct listener_settings listen;
	const char *networks; /* where relays may be */
	const char *fallback;
};

struct server *server_new(struct daemon *d, const struct server_settings *s);
void server_drain(struct server *s); /* daemon_drained() when the last flow has ended */
size_t server_sessions(const struct server *s);
uint16_t server_port(const struct server *s);

#endif
