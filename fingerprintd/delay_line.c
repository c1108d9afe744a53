#include "fingerprintd/delay_line.h"

#include "base/mem.h"
#include "base/slab.h"
#include "base/wheel.h"

#include <stdlib.h>
#include <string.h>

struct frame {
	struct wheel_timer timer;
	size_t len;
	uint8_t bytes[DELAY_LINE_FRAME_BYTES];
};

struct delay_line {
	struct wheel wheel;
	struct slab *frames;
	void (*send)(void *ctx, const void *frame, size_t len);
	void *ctx;
};

struct delay_line *
delay_line_new(uint64_t now_us)
{
	struct delay_line *d = xcalloc(1, sizeof(*d));

	wheel_init(&d->wheel, 1, now_us / 1000);
	d->frames = slab_new(sizeof(struct frame), DELAY_LINE_FRAMES);
	return d;
}

void
delay_line_free(struct delay_line **dp)
{
	struct delay_line *d = *dp;

	if (d == NULL)
		return;
	slab_free(&d->frames);
	free(d);
	*dp = NULL;
}

bool
delay_line_add(struct delay_line *d, const void *frame, size_t len, uint64_t due_us)
{
	struct frame *f = len > DELAY_LINE_FRAME_BYTES ? NULL : slab_get(d->frames);

	if (f == NULL)
		return false;
	wheel_timer_init(&f->timer);
	f->len = len;
	memcpy(f->bytes, frame, len);
	wheel_arm(&d->wheel, &f->timer, due_us / 1000);
	return true;
}

static void
fire(struct wheel_timer *t, void *ctx)
{
	struct delay_line *d = ctx;
	struct frame *f = LIST_OWNER(t, struct frame, timer);

	d->send(d->ctx, f->bytes, f->len);
	slab_put(d->frames, f);
}

void
delay_line_advance(struct delay_line *d, uint64_t now_us, void (*send)(void *ctx, const void *frame, size_t len),
    void *ctx)
{
	d->send = send;
	d->ctx = ctx;
	wheel_advance(&d->wheel, now_us / 1000, fire, d);
}

bool
delay_line_empty(const struct delay_line *d)
{
	return slab_used(d->frames) == 0;
}
