#include "base/wheel.h"

#include <string.h>

void
wheel_init(struct wheel *w, uint64_t tick_ms, uint64_t now_ms)
{
	for (size_t i = 0; i < WHEEL_SLOTS; i++)
		list_init(&w->slots[i]);
	memset(w->armed, 0, sizeof(w->armed));
	w->tick_ms = tick_ms;
	w->now_tick = now_ms / tick_ms;
}

void
wheel_timer_init(struct wheel_timer *t)
{
	list_init(&t->node);
	t->due_ms = 0;
}

void
wheel_arm(struct wheel *w, struct wheel_timer *t, uint64_t due_ms)
{
	uint64_t tick = (due_ms + w->tick_ms - 1) / w->tick_ms;

	if (tick <= w->now_tick)
		tick = w->now_tick + 1;
	list_remove(&t->node);
	t->due_ms = due_ms;
	list_append(&w->slots[tick % WHEEL_SLOTS], &t->node);
	w->armed[tick % WHEEL_SLOTS / 64] |= 1ULL << tick % 64;
}

void
wheel_stop(struct wheel_timer *t)
{
	list_remove(&t->node);
}

bool
wheel_armed(const struct wheel_timer *t)
{
	return !list_empty(&t->node);
}

/* Timers of later rounds share the slot: they are put back as they were. */
static void
run_slot(struct wheel *w, uint64_t now_ms, void (*fire)(struct wheel_timer *, void *), void *ctx)
{
	struct list *slot = &w->slots[w->now_tick % WHEEL_SLOTS], batch;

	w->armed[w->now_tick % WHEEL_SLOTS / 64] &= ~(1ULL << w->now_tick % 64);
	list_init(&batch);
	while (!list_empty(slot)) {
		struct list *node = slot->next;

		list_remove(node);
		list_append(&batch, node);
	}
	while (!list_empty(&batch)) {
		struct wheel_timer *t = LIST_OWNER(batch.next, struct wheel_timer, node);

		list_remove(&t->node);
		if (t->due_ms > now_ms)
			wheel_arm(w, t, t->due_ms);
		else
			fire(t, ctx);
	}
}

/* The first tick from here on whose slot may hold a timer; target when there is none before it. */
static uint64_t
next_armed(const struct wheel *w, uint64_t tick, uint64_t target)
{
	while (tick < target) {
		uint64_t rest = w->armed[tick % WHEEL_SLOTS / 64] >> tick % 64;

		if (rest != 0) {
			tick += (uint64_t)__builtin_ctzll(rest);
			break;
		}
		tick = (tick | 63) + 1;
	}
	return tick < target ? tick : target;
}

void
wheel_advance(struct wheel *w, uint64_t now_ms, void (*fire)(struct wheel_timer *t, void *ctx), void *ctx)
{
	uint64_t target = now_ms / w->tick_ms;

	/* After a long sleep one turn over all slots finds everything that is due. */
	if (target > w->now_tick + WHEEL_SLOTS)
		w->now_tick = target - WHEEL_SLOTS;
	while (w->now_tick < target) {
		w->now_tick = next_armed(w, w->now_tick + 1, target);
		run_slot(w, now_ms, fire, ctx);
	}
}
