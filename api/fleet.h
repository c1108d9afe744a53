/*
 * fleet - a picture of all replicas for http's threads, taken from the loop's
 * table (daemon/replicas.h) a few times a second.
 */
#ifndef API_FLEET_H
#define API_FLEET_H

#include "api/api.h"

struct bus;
struct fleet;
struct loop;

struct fleet *fleet_new(struct loop *l, struct bus *b, const char *site);
void fleet_free(struct fleet **fp);
/* From any thread. False until NATS has been there for as long as a replica may be silent: some may be missing. */
bool fleet_known(struct fleet *f);
/* From any thread; in order of service and instance; returns how many. */
size_t fleet_view(struct fleet *f, struct replica_view *out, size_t max);

#endif
