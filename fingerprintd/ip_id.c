#include "fingerprintd/ip_id.h"

enum { JUMP_MIN = 1001, JUMP_RANGE = 250 };

/* splitmix64 (Steele, Lea, Flood 2014): nobody gains by guessing an IP id. */
static uint16_t
next_random(struct ip_id_state *s)
{
	uint64_t z = s->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (uint16_t)(z >> 48);
}

uint16_t
ip_id_next(struct ip_id_state *s, const struct habit_ids *habit, uint16_t *counter)
{
	uint16_t id;

	switch (habit->kind) {
	case HABIT_IDS_INCREMENT:
	case HABIT_IDS_PER_FLOW:
		return (*counter)++;
	case HABIT_IDS_SWAPPED:
		id = (*counter)++;
		return (uint16_t)(id >> 8 | id << 8);
	case HABIT_IDS_JUMPS:
		id = *counter;
		*counter = (uint16_t)(id + JUMP_MIN + next_random(s) % JUMP_RANGE);
		return id;
	case HABIT_IDS_RANDOM:
		return next_random(s);
	case HABIT_IDS_CONSTANT:
		return habit->value;
	default:
		return 0;
	}
}
