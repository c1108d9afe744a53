#include "fingerprintd/tcp_options.h"

#include "base/reader.h"
#include "base/writer.h"

#include <string.h>

enum { KIND_END, KIND_NOP, KIND_MSS, KIND_WSCALE, KIND_SACK_PERMITTED, KIND_TS = 8 };

static bool
read_one(struct reader *r, struct habit_opt *out)
{
	uint8_t kind = reader_u8(r);

	*out = (struct habit_opt){ .kind = HABIT_OPT_NOP };
	if (kind == KIND_NOP)
		return true;
	if (kind == KIND_END) {
		out->kind = HABIT_OPT_EOL;
		return true;
	}
	uint8_t len = reader_u8(r);
	const uint8_t *value = len < 2 ? NULL : reader_bytes(r, len - 2U);

	if (value == NULL)
		return false;
	if (kind == KIND_MSS && len == 4)
		*out = (struct habit_opt){ HABIT_OPT_MSS, true, (uint16_t)(value[0] << 8 | value[1]) };
	else if (kind == KIND_WSCALE && len == 3)
		*out = (struct habit_opt){ HABIT_OPT_WSCALE, true, value[0] };
	else if (kind == KIND_SACK_PERMITTED && len == 2)
		out->kind = HABIT_OPT_SACK;
	else if (kind == KIND_TS && len == 10)
		out->kind = HABIT_OPT_TS;
	else
		return false;
	return true;
}

bool
tcp_options_read(const uint8_t *bytes, size_t len, struct habit_opt out[HABITS_OPTIONS_MAX])
{
	struct reader r;
	size_t n = 0;

	memset(out, 0, HABITS_OPTIONS_MAX * sizeof(*out));
	reader_init(&r, bytes, len);
	while (reader_left(&r) > 0) {
		if (n + 1 == HABITS_OPTIONS_MAX || !read_one(&r, &out[n]))
			return false;
		if (out[n++].kind == HABIT_OPT_EOL)
			return true;
	}
	return true;
}

bool
tcp_options_equal(const struct habit_opt *a, const struct habit_opt *b)
{
	for (; a->kind == b->kind && a->value == b->value; a++, b++) {
		if (a->kind == HABIT_OPT_END)
			return true;
	}
	return false;
}

void
tcp_options_write(struct writer *w, const struct habit_opt *o, const struct tcp_option_values *v)
{
	switch (o->kind) {
	case HABIT_OPT_MSS:
		packet_tcp_option_mss(w, o->given ? o->value : v->mss);
		break;
	case HABIT_OPT_SACK:
		packet_tcp_option_sack_permitted(w);
		break;
	case HABIT_OPT_TS:
		packet_tcp_option_ts(w, v->ts_value, v->ts_echo);
		break;
	case HABIT_OPT_TS_NO_ECHO:
		packet_tcp_option_ts(w, v->ts_value, 0);
		break;
	case HABIT_OPT_TS_NO_CLOCK:
		packet_tcp_option_ts(w, 0, v->ts_echo);
		break;
	case HABIT_OPT_TS_EMPTY:
		packet_tcp_option_ts(w, 0, 0);
		break;
	case HABIT_OPT_WSCALE:
		packet_tcp_option_wscale(w, o->given ? (uint8_t)o->value : v->wscale);
		break;
	case HABIT_OPT_NOP:
		packet_tcp_option_nop(w);
		break;
	case HABIT_OPT_EOL:
		writer_u8(w, KIND_END);
		break;
	default:
		break;
	}
}

void
tcp_options_write_all(struct writer *w, const struct habit_opt *list, const struct tcp_option_values *v)
{
	for (; list->kind != HABIT_OPT_END; list++)
		tcp_options_write(w, list, v);
}

size_t
tcp_options_len(const struct habit_opt *list)
{
	static const uint8_t lengths[] = {
		[HABIT_OPT_MSS] = 4,
		[HABIT_OPT_SACK] = 2,
		[HABIT_OPT_TS] = 10,
		[HABIT_OPT_WSCALE] = 3,
		[HABIT_OPT_NOP] = 1,
		[HABIT_OPT_EOL] = 1,
		[HABIT_OPT_TS_NO_ECHO] = 10,
		[HABIT_OPT_TS_NO_CLOCK] = 10,
		[HABIT_OPT_TS_EMPTY] = 10,
	};
	size_t len = 0;

	for (; list->kind != HABIT_OPT_END; list++)
		len += lengths[list->kind];
	return len;
}
