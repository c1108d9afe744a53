/*
 * http - the seam to libmicrohttpd: requests in, route_answer(), replies out.
 *
 * A pool of threads serves all connections without waiting for any client;
 * connections are capped in all and for each client address, and one that is
 * silent is closed.
 */
#ifndef API_HTTP_H
#define API_HTTP_H

struct api;
struct http;

struct http_settings {
	const char *address; /* "127.0.0.1:8025" */
	long threads;
	long connections; /* in all */
	long per_client; /* from one address */
};

/* Exits with a sentence when the address can't be had. api outlives it. */
struct http *http_new(const struct http_settings *s, const struct api *api);
/* Finishes what is being answered. */
void http_free(struct http **hp);

#endif
