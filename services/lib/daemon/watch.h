/*
 * watch - notices that a file is another than it was: new content, or a link
 * that leads elsewhere, as Kubernetes does with a ConfigMap. Looks every two
 * seconds; for files that rarely change, and whose reader copes with a bad one.
 */
#ifndef DAEMON_WATCH_H
#define DAEMON_WATCH_H

struct loop;
struct watch;

enum { WATCH_LOOK_MS = 2000 };

/* changed runs on the loop; a file that is gone for a while is no change. path is copied. */
struct watch *watch_new(struct loop *l, const char *path, void (*changed)(void *ctx), void *ctx);
void watch_free(struct watch **wp);

#endif
