/*
 * route - from method, target and token to an answer: finds the row of the
 * table, checks the role and the parameters, calls the resource.  No sockets:
 * http.c and the tests drive it the same way.
 */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "api/api.h"
#include "api/query.h"
#include "api/tokens.h"

enum {
	TARGET_MAX = 4096, /* path and query as sent */
	PATH_ID_MAX = 300, /* the {id} in a path, decoded: a mail id has 279 */
	LIST_LIMIT_MAX = 1000,
	LIST_LIMIT_DEFAULT = 100,
};

struct request {
	const struct api *api;
	const char *path; /* as sent, without the query */
	char id[PATH_ID_MAX]; /* what stood for the name in braces, or "" */
	struct query query;
};

struct route {
	const char *path; /* a name in braces stands for one segment */
	enum role role;
	void (*handle)(const struct request *r, struct reply *out);
	const char *parameters[8]; /* those of the query; NULL ends */
};

/* HEAD is answered like GET: the body is left out by who sends it. */
void route_answer(const struct api *api, const char *method, const char *target, const char *authorization,
    struct reply *out);

/* The table's rows: for the test that compares them with openapi.yaml. */
extern const struct route routes[];
extern const size_t route_count;

#endif
