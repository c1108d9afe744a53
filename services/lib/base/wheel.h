/*
 * wheel - a hashed timer wheel: arming, moving and stopping cost O(1) and no
 * memory, however many timers there are.  Resolution is the tick; a timer may
 * fire up to one tick late, never early.  Time is whatever the caller passes.
 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include "base/list.h"

#include <stdint.h>

enum { WHEEL_SLOTS = 1024 };

struct wheel_timer {
	struct list node;
	uint64_t due_ms;
};

struct wheel {
	struct list slots[WHEEL_SLOTS];
	uint64_t armed[WHEEL_SLOTS / 64]; /* a bit a slot: a timer was put there since the slot last ran */
	uint64_t tick_ms;
	uint64_t now_tick;
};

void wheel_init(struct wheel *w, uint64_t tick_ms, uint64_t now_ms);
void wheel_timer_init(struct wheel_timer *t);
/* Arms, or moves a timer that is armed. */
void wheel_arm(struct wheel *w, struct wheel_timer *t, uint64_t due_ms);
void wheel_stop(struct wheel_timer *t);
bool wheel_armed(const struct wheel_timer *t);
/* Stops and hands out each timer that is due; fire may arm or stop any timer. */
void wheel_advance(struct wheel *w, uint64_t now_ms, void (*fire)(struct wheel_timer *t, void *ctx), void *ctx);

#endif
