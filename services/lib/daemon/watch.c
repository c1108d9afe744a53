#include "daemon/watch.h"

#include "base/mem.h"
#include "daemon/loop.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>

struct watch {
	char *path;
	struct stat seen;
	struct loop_timer *timer;
	void (*changed)(void *ctx);
	void *ctx;
};

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void
look(void *ctx)
{
	struct watch *w = ctx;
	struct stat now;

	if (stat(w->path, &now) != 0 || same_file(&now, &w->seen))
		return;
	w->seen = now;
	w->changed(w->ctx);
}

struct watch *
watch_new(struct loop *l, const char *path, void (*changed)(void *ctx), void *ctx)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	w->path = xstrdup(path);
	w->changed = changed;
	w->ctx = ctx;
	(void)stat(path, &w->seen);
	w->timer = loop_timer_new(l, look, w);
	loop_timer_every(w->timer, WATCH_LOOK_MS);
	return w;
}

void
watch_free(struct watch **wp)
{
	if (*wp == NULL)
		return;
	loop_timer_free(&(*wp)->timer);
	free((*wp)->path);
	free(*wp);
	*wp = NULL;
}
