/*
 * server - flows of webtrap.  It peeks at each request and answers it byte for
 * byte as the look's server would, after passing by what the body holds.
 * Events and visitors are kept here.
 *
 * Peeking leaves the request in the socket, so that thousands who wait need no
 * buffers of ours.
 */
#ifndef WEBTRAP_SERVER_H
#define WEBTRAP_SERVER_H

#include "daemon/daemon.h"
#include "daemon/listener.h"

struct server;

struct server_settings {
	struct listener_settings listen;
	const char *domains; /* of poisoned addresses */
	long visitors; /* sources remembered */
};

struct server *server_new(struct daemon *d, const struct server_settings *settings);
/* Takes nothing new; calls daemon_drained() when the last flow has ended. */
void server_drain(struct server *s);
/* Ends what is left, but for answers that are being sent: these end with the process. */
void server_shutdown(struct server *s);
size_t server_sessions(const struct server *s);
uint16_t server_port(const struct server *s);

#endif
