/*
 * admin - the admin port of every process: /livez /readyz /metrics /v1/stats, on
 * the loop itself: who doesn't answer here serves nobody.
 */
#ifndef DAEMON_ADMIN_H
#define DAEMON_ADMIN_H

#include <stdbool.h>

struct admin;
struct loop;

enum { READY_CHECKS_MAX = 16 };

/* Exits with a sentence when the address can't be had. */
struct admin *admin_new(struct loop *l, const char *address, const char *service, const char *instance);
void admin_free(struct admin **ap);
/* A named condition of readiness, false until said otherwise; from any thread. name must be a constant. */
void admin_ready(struct admin *a, const char *name, bool ready);
/* A condition that is asked for, on the loop's thread, whenever somebody wants to know; name must be a constant. */
void admin_ask(struct admin *a, const char *name, bool (*ready)(void *ctx), void *ctx);

#endif
