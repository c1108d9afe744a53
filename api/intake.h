/*
 * intake - fills the read model: one thread a stream, each reading on from the
 * place that the model keeps in the same transaction as the rows.  A stream
 * that was deleted and made anew is read from its start; the model drops what
 * it has already.
 */
#ifndef API_INTAKE_H
#define API_INTAKE_H

#include "api/api.h"

struct admin;
struct bus;
struct intake;

/* instance makes the consumers' names: each replica of the api reads for itself. Exits when there is no thread. */
struct intake *intake_new(struct bus *b, struct admin *admin, struct model *m, const char *instance);
/* Finishes the batches; waits for the threads. */
void intake_free(struct intake **ip);
struct api_behind intake_behind(const struct intake *i);

#endif
