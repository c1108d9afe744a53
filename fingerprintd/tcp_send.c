#include "fingerprintd/tcp_send.h"

#include "fingerprintd/tcp_seq.h"

#include <assert.h>
#include <string.h>

enum {
	DUPLICATES = 3, /* RFC 5681 3.2 */
	CLOCK_US = 10 * 1000, /* G of RFC 6298: the caller's timer tick */
	TAIL_ALONE_US = 100 * 1000, /* a peer may delay the acknowledgement of a lone segment */
	INITIAL_SEGMENTS = 10, /* RFC 6928 */
	CWND_MAX = 2 * STACK_SEND_MAX,
	REORDER_MAX_US = 50 * 1000,
	BACKOFF_MAX = 16,
};

static uint32_t
min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t
max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* ---- records: what is in flight ---- */

static struct tcp_sent *
record(const struct tcp_send *s, unsigned i)
{
	return &s->memory->sent[(s->head + i) % TCP_SENT_MAX];
}

static void
clear_marks(struct tcp_send *s, struct tcp_sent *e)
{
	if (e->sacked) {
		s->sacked_bytes -= e->len;
		s->sacked_count--;
	}
	if (e->lost)
		s->lost_bytes -= e->len;
	e->sacked = e->lost = false;
}

static void
mark_lost(struct tcp_send *s, struct tcp_sent *e)
{
	if (e->lost || e->sacked)
		return;
	e->lost = true;
	s->lost_bytes += e->len;
}

static void
mark_sacked(struct tcp_send *s, struct tcp_sent *e)
{
	clear_marks(s, e);
	e->sacked = true;
	s->sacked_bytes += e->len;
	s->sacked_count++;
}

/* What is thought to be on the way (RFC 6675 "pipe"). */
static uint32_t
pipe_bytes(const struct tcp_send *s)
{
	uint32_t bytes = s->nxt - s->una - s->sacked_bytes - s->lost_bytes;

	/* Without SACK each duplicate tells that one segment has left (RFC 5681 3.2 step 4). */
	return bytes - min_u32(bytes, (uint32_t)s->duplicates * s->mss);
}

/* ---- round trip time and timers ---- */

/* RFC 6298 2.2, 2.3 */
void
tcp_send_rtt(struct tcp_send *s, uint64_t rtt_us)
{
	uint32_t r = rtt_us < 1 ? 1 : rtt_us > TCP_RTO_MAX_US ? TCP_RTO_MAX_US : (uint32_t)rtt_us;

	if (s->srtt_us == 0) {
		s->srtt_us = r;
		s->rttvar_us = r / 2;
	} else {
		uint32_t delta = r > s->srtt_us ? r - s->srtt_us : s->srtt_us - r;

		s->rttvar_us = (uint32_t)((3 * (uint64_t)s->rttvar_us + delta) / 4);
		s->srtt_us = max_u32((uint32_t)((7 * (uint64_t)s->srtt_us + r) / 8), 1);
	}
	if (s->rtt_min_us == 0 || r < s->rtt_min_us)
		s->rtt_min_us = r;
	uint64_t rto = s->srtt_us + max_u32(CLOCK_US, 4 * s->rttvar_us);
	s->rto_us = rto < TCP_RTO_MIN_US ? TCP_RTO_MIN_US : rto > TCP_RTO_MAX_US ? TCP_RTO_MAX_US : (uint32_t)rto;
}

static uint64_t
backed_off(const struct tcp_send *s)
{
	uint8_t times = s->count > 0 ? s->retries : s->window_probes;
	uint64_t us = (uint64_t)s->rto_us << (times < BACKOFF_MAX ? times : BACKOFF_MAX);

	return us < TCP_RTO_MAX_US ? us : TCP_RTO_MAX_US;
}

/* RFC 8985 7.2: soon after the last segment, one more of it makes the peer say what is missing. */
static bool
arm_tail_probe(struct tcp_send *s, uint64_t now_us)
{
	uint64_t us = 2 * (uint64_t)s->srtt_us + (s->count == 1 ? TAIL_ALONE_US : CLOCK_US);

	if (!s->sack || s->tail_probed || s->srtt_us == 0 || s->phase != TCP_PHASE_OPEN || us >= s->rto_us)
		return false;
	s->timeout_at = now_us + us;
	s->tail_timer = true;
	return true;
}

static void
arm_timeout(struct tcp_send *s, uint64_t now_us)
{
	s->tail_timer = false;
	if (s->count > 0 && arm_tail_probe(s, now_us))
		return;
	s->timeout_at = now_us + backed_off(s);
}

uint64_t
tcp_send_due(const struct tcp_send *s)
{
	if (s->timeout_at == 0 || (s->reorder_at != 0 && s->reorder_at < s->timeout_at))
		return s->reorder_at;
	return s->timeout_at;
}

/* ---- congestion window ---- */

void
tcp_send_init(struct tcp_send *s, uint32_t first_seq, uint16_t mss, bool sack)
{
	s->una = s->nxt = s->recover = first_seq;
	s->mss = mss;
	s->sack = sack;
	s->cwnd = INITIAL_SEGMENTS * (uint32_t)mss;
	s->ssthresh = CWND_MAX;
	s->rto_us = TCP_RTO_FIRST_US;
}

/* RFC 5681 3.1, bytes counted (RFC 3465); no growth while the window isn't what limits us (RFC 7661). */
static void
grow(struct tcp_send *s, uint32_t acked, uint32_t flight)
{
	if (s->phase == TCP_PHASE_RECOVERY || flight + 2 * s->mss < s->cwnd)
		return;
	if (s->cwnd < s->ssthresh) {
		s->cwnd += min_u32(acked, 2 * s->mss);
	} else {
		s->cwnd_acked += acked;
		if (s->cwnd_acked >= s->cwnd) {
			s->cwnd_acked -= s->cwnd;
			s->cwnd += s->mss;
		}
	}
	s->cwnd = min_u32(s->cwnd, CWND_MAX);
}

static uint32_t
half_flight(const struct tcp_send *s)
{
	return max_u32((s->nxt - s->una) / 2, 2 * (uint32_t)s->mss);
}

static void
enter_recovery(struct tcp_send *s)
{
	if (s->phase != TCP_PHASE_OPEN)
		return;
	s->phase = TCP_PHASE_RECOVERY;
	s->recover = s->nxt;
	s->ssthresh = half_flight(s);
	s->cwnd = s->ssthresh;
	s->cwnd_acked = 0;
}

/* ---- acknowledgements ---- */

/* RFC 8985 6.2 steps 1 to 3: the segment e has arrived. */
static void
delivered(struct tcp_send *s, const struct tcp_sent *e, uint64_t now_us)
{
	uint64_t rtt = now_us - e->at_us;

	if (e->again && rtt < s->rtt_min_us) {
		/* The first copy was only late: it arrived after all. */
		s->reorder_us = min_u32(max_u32(2 * s->reorder_us, s->rtt_min_us), REORDER_MAX_US);
		return;
	}
	if (e->at_us < s->rack_us || (e->at_us == s->rack_us && seq_lt(e->seq + e->len, s->rack_end))) {
		if (!e->again && rtt > s->rack_rtt_us)
			s->reorder_us = max_u32(s->reorder_us,
			    (uint32_t)(rtt - s->rack_rtt_us < REORDER_MAX_US ? rtt - s->rack_rtt_us : REORDER_MAX_US));
		return;
	}
	s->rack_us = e->at_us;
	s->rack_end = e->seq + e->len;
	s->rack_rtt_us = (uint32_t)(rtt < TCP_RTO_MAX_US ? rtt : TCP_RTO_MAX_US);
}

/* Drops the records up to una, cuts one that is acknowledged in part, and takes the round trip time. */
static void
retire_records(struct tcp_send *s, uint64_t now_us)
{
	uint64_t rtt = UINT64_MAX;

	while (s->count > 0) {
		struct tcp_sent *e = record(s, 0);
		uint32_t covered = s->una - e->seq;

		if (!seq_lt(e->seq, s->una))
			break;
		if (covered < e->len) {
			bool sacked = e->sacked, lost = e->lost;

			clear_marks(s, e);
			e->seq = s->una;
			e->len = (uint16_t)(e->len - covered);
			if (sacked)
				mark_sacked(s, e);
			else if (lost)
				mark_lost(s, e);
			break;
		}
		if (!e->sacked) {
			delivered(s, e, now_us);
			if (!e->again)
				rtt = now_us - e->at_us;
		}
		clear_marks(s, e);
		s->head = (uint16_t)((s->head + 1) % TCP_SENT_MAX);
		s->count--;
	}
	if (rtt != UINT64_MAX)
		tcp_send_rtt(s, rtt);
}

static void
take_sack(struct tcp_send *s, const struct packet_tcp_range *range, uint64_t now_us)
{
	/* D-SACKs and nonsense lie outside (RFC 2883 4). */
	if (!seq_lt(s->una, range->left) || !seq_lt(range->left, range->right) || seq_lt(s->nxt, range->right))
		return;
	for (unsigned i = 0; i < s->count; i++) {
		struct tcp_sent *e = record(s, i);

		if (e->sacked || seq_lt(e->seq, range->left))
			continue;
		if (seq_lt(range->right, e->seq + e->len))
			return;
		delivered(s, e, now_us);
		mark_sacked(s, e);
	}
}

static uint64_t
patience(const struct tcp_send *s)
{
	if (s->reorder_us > 0)
		return max_u32(s->reorder_us, s->rtt_min_us / 4);
	if (s->phase != TCP_PHASE_OPEN || s->sacked_count >= DUPLICATES)
		return 0;
	return s->rtt_min_us / 4;
}

/* RFC 8985 6.2 step 5: what was sent well before something that has arrived is lost. */
static void
find_losses(struct tcp_send *s, uint64_t now_us)
{
	uint64_t wait = s->rack_rtt_us + patience(s);

	s->reorder_at = 0;
	for (unsigned i = 0; i < s->count && s->rack_us != 0; i++) {
		struct tcp_sent *e = record(s, i);

		if (e->sacked || e->lost || e->at_us > s->rack_us ||
		    (e->at_us == s->rack_us && !seq_lt(e->seq + e->len, s->rack_end)))
			continue;
		if (e->at_us + wait <= now_us)
			mark_lost(s, e);
		else if (s->reorder_at == 0 || e->at_us + wait < s->reorder_at)
			s->reorder_at = e->at_us + wait;
	}
	if (s->lost_bytes > 0)
		enter_recovery(s);
}

/* RFC 6582: three duplicates start recovery; in it each partial acknowledgement shows the next hole. */
static void
new_reno(struct tcp_send *s, bool advanced, bool duplicate)
{
	if (duplicate && s->duplicates < TCP_SENT_MAX)
		s->duplicates++;
	if (s->count == 0)
		return;
	if (s->phase == TCP_PHASE_OPEN && s->duplicates >= DUPLICATES) {
		mark_lost(s, record(s, 0));
		enter_recovery(s);
	} else if (s->phase == TCP_PHASE_RECOVERY && advanced) {
		mark_lost(s, record(s, 0));
	}
}

static void
advance(struct tcp_send *s, uint32_t ack, uint64_t now_us)
{
	uint32_t flight = s->nxt - s->una, bytes = ack - s->una;

	if (bytes > s->len) {
		assert(s->fin_sent && bytes == s->len + 1);
		s->fin_acked = true;
		s->len++; /* the FIN's place, taken away below */
	}
	s->una = ack;
	s->start += bytes;
	s->len -= bytes;
	if (s->len == 0)
		s->start = 0;
	s->retries = 0;
	s->tail_probed = false;
	s->duplicates = 0;
	retire_records(s, now_us);
	if (s->phase != TCP_PHASE_OPEN && seq_leq(s->recover, ack))
		s->phase = TCP_PHASE_OPEN;
	grow(s, bytes, flight);
	s->timeout_at = 0;
	if (s->count > 0)
		arm_timeout(s, now_us);
}

void
tcp_send_ack(struct tcp_send *s, uint32_t ack, const struct packet_tcp_range *sack, size_t sacks, bool duplicate,
    uint64_t now_us)
{
	bool advanced = seq_lt(s->una, ack);

	if (advanced)
		advance(s, ack, now_us);
	else if (s->count == 0)
		s->retries = 0; /* a closed window, but somebody is there (RFC 9293 3.8.6.1) */
	if (!s->sack) {
		new_reno(s, advanced, duplicate);
		return;
	}
	for (size_t i = 0; i < sacks; i++)
		take_sack(s, &sack[i], now_us);
	find_losses(s, now_us);
}

/* ---- bytes ---- */

size_t
tcp_send_room(const struct tcp_send *s)
{
	return STACK_SEND_MAX - s->len;
}

size_t
tcp_send_write(struct tcp_send *s, const void *data, size_t len)
{
	uint32_t n = len < tcp_send_room(s) ? (uint32_t)len : (uint32_t)tcp_send_room(s);

	s->starved = n < len;
	if (n == 0)
		return 0;
	if (s->start + s->len + n > sizeof(s->memory->data)) {
		memmove(s->memory->data, s->memory->data + s->start, s->len);
		s->start = 0;
	}
	memcpy(s->memory->data + s->start + s->len, data, n);
	s->len += n;
	if (s->touched < s->start + s->len)
		s->touched = s->start + s->len;
	return n;
}

static void
fill_piece(struct tcp_send *s, uint32_t seq, uint32_t len, bool again, struct tcp_piece *out)
{
	uint32_t end = s->una + s->len;

	out->seq = seq;
	out->fin = s->fin_sent && seq + len == end + 1;
	out->len = len - out->fin;
	out->data = s->memory->data + s->start + (seq - s->una);
	out->push = out->len > 0 && seq + out->len == end;
	out->again = again;
}

static bool
next_lost(struct tcp_send *s, uint64_t now_us, struct tcp_piece *out)
{
	uint32_t pipe = pipe_bytes(s);

	for (unsigned i = 0; s->lost_bytes > 0 && i < s->count; i++) {
		struct tcp_sent *e = record(s, i);

		if (!e->lost)
			continue;
		if (pipe > 0 && pipe + e->len > s->cwnd)
			return false;
		clear_marks(s, e);
		e->again = true;
		e->at_us = now_us;
		fill_piece(s, e->seq, e->len, true, out);
		return true;
	}
	return false;
}

/* How many bytes of data may go now; RFC 9293 3.8.6.2.1 against silly windows. */
static uint32_t
sendable(const struct tcp_send *s, uint32_t unsent)
{
	uint32_t flight = s->nxt - s->una;
	uint32_t window = s->wnd > flight ? s->wnd - flight : 0;
	uint32_t pipe = pipe_bytes(s);
	uint32_t congestion = s->cwnd > pipe ? s->cwnd - pipe : 0;
	uint32_t wanted = min_u32(unsent, s->mss);
	uint32_t len = min_u32(wanted, window);

	if (pipe > 0 && congestion < len)
		return 0;
	if (len < wanted && len < s->wnd_max / 2 && !s->force)
		return 0;
	return len;
}

static bool
next_new(struct tcp_send *s, uint64_t now_us, struct tcp_piece *out)
{
	uint32_t unsent = s->fin_sent ? 0 : s->una + s->len - s->nxt;
	uint32_t len = sendable(s, unsent);
	bool fin = s->fin && !s->fin_sent && len == unsent && s->nxt - s->una + len < s->wnd;

	if (s->count == TCP_SENT_MAX || len + fin == 0)
		return false;
	s->fin_sent |= fin;
	struct tcp_sent *e = record(s, s->count);
	*e = (struct tcp_sent){ .at_us = now_us, .seq = s->nxt, .len = (uint16_t)(len + fin) };
	s->count++;
	fill_piece(s, s->nxt, len + fin, false, out);
	s->nxt += len + fin;
	s->force = false;
	s->window_probes = 0;
	return true;
}

static bool
something_waits(const struct tcp_send *s)
{
	return !s->fin_sent && (s->fin || s->una + s->len != s->nxt);
}

bool
tcp_send_next(struct tcp_send *s, uint64_t now_us, struct tcp_piece *out)
{
	bool found = s->memory != NULL && (next_lost(s, now_us, out) || next_new(s, now_us, out));

	/* A tail probe counts from the last segment, a retransmission from the first (RFC 6298 5.1). */
	if (found && (s->timeout_at == 0 || s->tail_timer))
		arm_timeout(s, now_us);
	/* The window is closed and nothing will tell us when it opens (RFC 9293 3.8.6.1). */
	if (!found && s->timeout_at == 0 && something_waits(s))
		arm_timeout(s, now_us);
	return found;
}

/* ---- timers ---- */

/* RFC 6298 5.4 to 5.7, 5681 3.1 */
static void
on_timeout(struct tcp_send *s)
{
	if (s->phase == TCP_PHASE_OPEN || s->retries == 0)
		s->ssthresh = half_flight(s);
	s->phase = TCP_PHASE_LOSS;
	s->recover = s->nxt;
	s->cwnd = s->mss;
	s->cwnd_acked = 0;
	s->duplicates = 0;
	/* The first record can't have arrived: if the peer said so it has thrown it away (RFC 2018 8). */
	bool reneged = record(s, 0)->sacked;
	for (unsigned i = 0; i < s->count; i++) {
		if (reneged)
			clear_marks(s, record(s, i));
		mark_lost(s, record(s, i));
	}
}

static enum tcp_send_timer
timed_out(struct tcp_send *s, uint64_t now_us)
{
	if (s->tail_timer) {
		s->tail_probed = true;
		mark_lost(s, record(s, s->count - 1U));
		arm_timeout(s, now_us);
		return TCP_SEND_MORE;
	}
	if (s->count > 0) {
		on_timeout(s);
	} else {
		s->force = true;
		s->window_probes = (uint8_t)min_u32(s->window_probes + 1U, BACKOFF_MAX);
	}
	if (++s->retries > TCP_RETRIES)
		return TCP_SEND_GIVE_UP;
	arm_timeout(s, now_us);
	return s->count > 0 ? TCP_SEND_MORE : TCP_SEND_PROBE;
}

enum tcp_send_timer
tcp_send_timer(struct tcp_send *s, uint64_t now_us)
{
	if (s->reorder_at != 0 && s->reorder_at <= now_us)
		find_losses(s, now_us);
	if (s->timeout_at == 0 || s->timeout_at > now_us)
		return s->lost_bytes > 0 ? TCP_SEND_MORE : TCP_SEND_NOTHING;
	s->timeout_at = 0;
	if (s->count == 0 && !something_waits(s))
		return TCP_SEND_NOTHING;
	return timed_out(s, now_us);
}
