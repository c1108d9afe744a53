#include "api/route.h"

#include "api/resource.h"

#include <string.h>

const struct route routes[] = {
	{ "/v1/stats", ROLE_READ, resource_stats, { NULL } },
	{ "/v1/events", ROLE_READ, resource_events,
	    { "limit", "cursor", "action", "source", "service", "instance", "since", NULL } },
	{ "/v1/sources", ROLE_READ, resource_sources, { "limit", "cursor", "source", "since", NULL } },
	{ "/v1/messages", ROLE_READ, resource_messages, { "limit", "cursor", "source", "sha256", "since", NULL } },
	{ "/v1/messages/{id}", ROLE_READ, resource_message, { NULL } },
	{ "/v1/messages/{id}/raw", ROLE_READ, resource_message_raw, { NULL } },
	{ "/v1/replicas", ROLE_READ, resource_replicas, { "limit", "cursor", NULL } },
	{ "/v1/scaling/{service}", ROLE_READ, resource_scaling, { NULL } },
	{ "/openapi.json", ROLE_NONE, resource_static, { NULL } },
	{ "/asyncapi.json", ROLE_NONE, resource_static, { NULL } },
	{ "/events.schema.json", ROLE_NONE, resource_static, { NULL } },
	{ "/app.js", ROLE_NONE, resource_static, { NULL } },
	{ "/style.css", ROLE_NONE, resource_static, { NULL } },
	{ "/icon.svg", ROLE_NONE, resource_static, { NULL } },
	{ "/", ROLE_NONE, resource_static, { NULL } },
};
const size_t route_count = sizeof(routes) / sizeof(routes[0]);

static const char allowed_methods[] = "GET, HEAD";

/* Fills r->id from the segment that stands for the name in braces. */
static bool
path_matches(const char *pattern, const char *path, struct request *r)
{
	const char *mark = strchr(pattern, '{');

	r->id[0] = '\0';
	if (mark == NULL)
		return strcmp(pattern, path) == 0;
	size_t head = (size_t)(mark - pattern);

	if (strncmp(pattern, path, head) != 0)
		return false;
	size_t len = strcspn(path + head, "/");

	return len > 0 && strcmp(strchr(mark, '}') + 1, path + head + len) == 0 &&
	    query_decode(path + head, len, r->id, sizeof(r->id));
}

static const struct route *
find_route(const char *path, struct request *r)
{
	for (size_t i = 0; i < route_count; i++) {
		if (path_matches(routes[i].path, path, r))
			return &routes[i];
	}
	return NULL;
}

/* RFC 6750 3: what was wrong is said in the challenge. */
static bool
permitted(const struct api *api, const struct route *route, const char *authorization, struct reply *out)
{
	enum role role = route->role == ROLE_NONE ? ROLE_NONE : tokens_role(api->tokens, authorization);

	if (role >= route->role)
		return true;
	if (role == ROLE_NONE) {
		reply_header(out, "WWW-Authenticate",
		    authorization == NULL ? "Bearer realm=\"honeyspam\""
					  : "Bearer realm=\"honeyspam\", error=\"invalid_token\"");
		reply_problem(out, 401,
		    authorization == NULL ? "A bearer token is needed: \"Authorization: Bearer TOKEN\"."
					  : "This token is not known here.");
	} else {
		reply_header(out, "WWW-Authenticate", "Bearer realm=\"honeyspam\", error=\"insufficient_scope\"");
		reply_problem(out, 403, "This needs the operator's token.");
	}
	return false;
}

static bool
parameters_known(const struct route *route, const struct query *q, struct reply *out)
{
	for (size_t i = 0; i < q->count; i++) {
		size_t j = 0;

		while (route->parameters[j] != NULL && strcmp(route->parameters[j], q->pairs[i].name) != 0)
			j++;
		if (route->parameters[j] == NULL) {
			reply_problem(out, 400, "There is no parameter \"%s\" here.", q->pairs[i].name);
			return false;
		}
	}
	return true;
}

static void
answer_route(const struct route *route, const char *method, const char *query, const char *authorization,
    struct request *r, struct reply *out)
{
	const char *error;

	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		reply_header(out, "Allow", allowed_methods);
		reply_problem(out, 405, "Only %s work here.", allowed_methods);
	} else if (!permitted(r->api, route, authorization, out)) {
		return;
	} else if (!query_parse(query, &r->query, &error)) {
		reply_problem(out, 400, "In the query, %s.", error);
	} else if (parameters_known(route, &r->query, out)) {
		route->handle(r, out);
	}
}

void
route_answer(const struct api *api, const char *method, const char *target, const char *authorization,
    struct reply *out)
{
	char path[TARGET_MAX];
	struct request r = { .api = api, .path = path };
	size_t len = strcspn(target, "?");

	if (strlen(target) >= sizeof(path)) {
		reply_problem(out, 414, "The target is longer than %d bytes.", (int)TARGET_MAX - 1);
		return;
	}
	memcpy(path, target, len);
	path[len] = '\0';
	const struct route *route = find_route(path, &r);

	if (route == NULL)
		reply_problem(out, 404, "There is nothing at this path: see /openapi.json.");
	else
		answer_route(route, method, target + len + (target[len] == '?' ? 1 : 0), authorization, &r, out);
}
