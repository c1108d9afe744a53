#include "fingerprintd/tcp_recv.h"

#include "fingerprintd/tcp_seq.h"

#include <assert.h>
#include <string.h>

enum { WINDOW_FIELD_MAX = 0xffff };

uint32_t
tcp_recv_room(const struct tcp_recv *r)
{
	return STACK_RECEIVE_MAX - r->len;
}

static uint32_t
islands_end(const struct tcp_recv *r)
{
	uint32_t end = r->next;

	for (unsigned i = 0; i < r->ranges; i++)
		end = seq_max(end, r->range[i].right);
	return end;
}

/* A whole window must fit behind start: else everything moves to the memory's start. */
static void
make_room(struct tcp_recv *r)
{
	uint32_t held = r->len + (islands_end(r) - r->next);

	if (held > 0 && r->start <= STACK_RECEIVE_MAX)
		return;
	if (held > 0)
		memmove(r->memory, r->memory + r->start, held);
	r->start = 0;
}

static void
store(struct tcp_recv *r, uint32_t seq, const uint8_t *data, uint32_t len)
{
	uint32_t offset = r->len + (seq - r->next);

	memcpy(r->memory + r->start + offset, data, len);
	if (r->touched < r->start + offset + len)
		r->touched = r->start + offset + len;
}

static void
remove_range(struct tcp_recv *r, unsigned i)
{
	r->ranges--;
	memmove(&r->range[i], &r->range[i + 1], (r->ranges - i) * sizeof(r->range[0]));
}

/* Joins what overlaps or touches; the result comes first. False: no room for one more island. */
static bool
add_range(struct tcp_recv *r, struct packet_tcp_range new)
{
	for (unsigned i = 0; i < r->ranges;) {
		if (seq_lt(r->range[i].right, new.left) || seq_lt(new.right, r->range[i].left)) {
			i++;
			continue;
		}
		new.left = seq_min(new.left, r->range[i].left);
		new.right = seq_max(new.right, r->range[i].right);
		remove_range(r, i);
	}
	if (r->ranges == TCP_RANGES_MAX)
		return false;
	memmove(&r->range[1], &r->range[0], r->ranges * sizeof(r->range[0]));
	r->range[0] = new;
	r->ranges++;
	return true;
}

static void
advance(struct tcp_recv *r, uint32_t to)
{
	r->len += to - r->next;
	r->next = to;
}

/* The gap is filled: islands that touch the mainland join it. */
static void
join_islands(struct tcp_recv *r)
{
	for (unsigned i = 0; i < r->ranges;) {
		struct packet_tcp_range island = r->range[i];

		if (seq_lt(r->next, island.left)) {
			i++;
			continue;
		}
		if (seq_lt(r->next, island.right))
			advance(r, island.right);
		remove_range(r, i);
		i = 0;
	}
}

enum tcp_put
tcp_recv_put(struct tcp_recv *r, uint32_t seq, const uint8_t *data, size_t len)
{
	uint32_t end = seq_min(seq + (uint32_t)len, r->next + tcp_recv_room(r));
	uint32_t begin = seq_max(seq, r->next);

	if (r->memory == NULL || !seq_lt(begin, end))
		return TCP_PUT_NOTHING;
	make_room(r);
	if (begin != r->next) {
		if (!add_range(r, (struct packet_tcp_range){ begin, end }))
			return TCP_PUT_NOTHING;
		store(r, begin, data + (begin - seq), end - begin);
		return TCP_PUT_ISLAND;
	}
	store(r, begin, data + (begin - seq), end - begin);
	advance(r, end);
	join_islands(r);
	return TCP_PUT_IN_ORDER;
}

const uint8_t *
tcp_recv_peek(const struct tcp_recv *r, size_t *len)
{
	*len = r->len;
	return r->len == 0 ? NULL : r->memory + r->start;
}

void
tcp_recv_consume(struct tcp_recv *r, size_t len)
{
	assert(len <= r->len);
	r->start += (uint32_t)len;
	r->len -= (uint32_t)len;
}

static uint32_t
worthwhile(const struct tcp_recv *r)
{
	return r->mss < STACK_RECEIVE_MAX / 2 ? r->mss : STACK_RECEIVE_MAX / 2;
}

uint16_t
tcp_recv_announce(struct tcp_recv *r)
{
	uint32_t end = r->next + tcp_recv_room(r);
	uint32_t max = (uint32_t)WINDOW_FIELD_MAX << r->shift;

	/* RFC 9293 3.8.6.2.2: no silly steps; and a step back is never announced. */
	if (seq_leq(r->edge + worthwhile(r), end))
		r->edge = end;
	uint32_t window = seq_lt(r->edge, r->next) ? 0 : r->edge - r->next;
	if (window > max) {
		window = max;
		r->edge = r->next + max;
	}
	return (uint16_t)(window >> r->shift);
}

/* Not before the peer has used up half of what it knows of: acknowledgements carry the rest along. */
bool
tcp_recv_update_due(const struct tcp_recv *r)
{
	uint32_t end = r->next + tcp_recv_room(r);

	return (int32_t)(r->edge - r->next) < STACK_RECEIVE_MAX / 2 && seq_leq(r->edge + 2 * worthwhile(r), end);
}
