#include "wire/packet_tcp.h"

#include "base/reader.h"
#include "base/writer.h"

#include <string.h>

enum {
	KIND_END = 0,
	KIND_NOP = 1,
	KIND_MSS = 2,
	KIND_WSCALE = 3,
	KIND_SACK_PERMITTED = 4,
	KIND_SACK = 5,
	KIND_TS = 8,
	MSS_BYTES = 4,
	WSCALE_BYTES = 3,
	SACK_PERMITTED_BYTES = 2,
	TS_BYTES = 10,
	SACK_RANGE_BYTES = 8,
};

static void
parse_sacks(struct reader *r, struct packet_tcp *out)
{
	out->sacks = 0;
	while (reader_left(r) >= SACK_RANGE_BYTES && out->sacks < PACKET_TCP_SACKS) {
		struct packet_tcp_range *range = &out->sack[out->sacks++];

		range->left = reader_u32(r);
		range->right = reader_u32(r);
	}
}

/* An option of a known kind with a wrong length is skipped, as by the stacks in use. */
static void
parse_option(struct reader *r, uint8_t kind, size_t len, struct packet_tcp *out)
{
	if (kind == KIND_MSS && len == MSS_BYTES) {
		out->mss = reader_u16(r);
	} else if (kind == KIND_WSCALE && len == WSCALE_BYTES) {
		out->has_wscale = true;
		out->wscale = reader_u8(r);
	} else if (kind == KIND_SACK_PERMITTED && len == SACK_PERMITTED_BYTES) {
		out->sack_permitted = true;
	} else if (kind == KIND_SACK) {
		parse_sacks(r, out);
	} else if (kind == KIND_TS && len == TS_BYTES) {
		out->has_ts = true;
		out->ts_value = reader_u32(r);
		out->ts_echo = reader_u32(r);
	}
}

static bool
parse_options(struct reader *r, struct packet_tcp *out)
{
	while (reader_left(r) > 0) {
		uint8_t kind = reader_u8(r);

		if (kind == KIND_END)
			return true;
		if (kind == KIND_NOP)
			continue;
		size_t len = reader_u8(r);
		if (len < 2)
			return false;
		const uint8_t *value = reader_bytes(r, len - 2);
		if (value == NULL)
			return false;
		struct reader option;
		reader_init(&option, value, len - 2);
		parse_option(&option, kind, len, out);
	}
	return !r->failed;
}

bool
packet_tcp_parse(struct reader *r, struct packet_tcp *out)
{
	memset(out, 0, sizeof(*out));
	out->source = reader_u16(r);
	out->destination = reader_u16(r);
	out->seq = reader_u32(r);
	out->ack = reader_u32(r);
	uint8_t offset = reader_u8(r);
	out->flags = reader_u8(r);
	out->window = reader_u16(r);
	(void)reader_u16(r); /* checksum: packet_checksum_transport() over the segment */
	out->urgent = reader_u16(r);
	out->reserved = offset & 0xf;
	size_t header = (size_t)(offset >> 4) * 4;
	if (r->failed || header < PACKET_TCP_HEADER)
		return false;
	const uint8_t *bytes = reader_bytes(r, header - PACKET_TCP_HEADER);
	if (bytes == NULL)
		return false;
	struct reader options;
	reader_init(&options, bytes, header - PACKET_TCP_HEADER);
	return parse_options(&options, out);
}

void
packet_tcp_format(struct writer *w, const struct packet_tcp *t, const void *options, size_t options_len)
{
	size_t words = (PACKET_TCP_HEADER + options_len + 3) / 4;

	writer_u16(w, t->source);
	writer_u16(w, t->destination);
	writer_u32(w, t->seq);
	writer_u32(w, t->ack);
	writer_u8(w, (uint8_t)(words << 4 | t->reserved));
	writer_u8(w, t->flags);
	writer_u16(w, t->window);
	writer_u16(w, 0);
	writer_u16(w, t->urgent);
	writer_bytes(w, options, options_len);
	for (size_t n = PACKET_TCP_HEADER + options_len; n < words * 4; n++)
		writer_u8(w, KIND_END);
	if (options_len > PACKET_TCP_OPTIONS_MAX)
		w->failed = true;
}

void
packet_tcp_option_nop(struct writer *w)
{
	writer_u8(w, KIND_NOP);
}

void
packet_tcp_option_mss(struct writer *w, uint16_t mss)
{
	writer_u8(w, KIND_MSS);
	writer_u8(w, MSS_BYTES);
	writer_u16(w, mss);
}

void
packet_tcp_option_wscale(struct writer *w, uint8_t shift)
{
	writer_u8(w, KIND_WSCALE);
	writer_u8(w, WSCALE_BYTES);
	writer_u8(w, shift);
}

void
packet_tcp_option_sack_permitted(struct writer *w)
{
	writer_u8(w, KIND_SACK_PERMITTED);
	writer_u8(w, SACK_PERMITTED_BYTES);
}

void
packet_tcp_option_ts(struct writer *w, uint32_t value, uint32_t echo)
{
	writer_u8(w, KIND_TS);
	writer_u8(w, TS_BYTES);
	writer_u32(w, value);
	writer_u32(w, echo);
}

void
packet_tcp_option_sack(struct writer *w, const struct packet_tcp_range *ranges, size_t count)
{
	writer_u8(w, KIND_SACK);
	writer_u8(w, (uint8_t)(2 + count * SACK_RANGE_BYTES));
	for (size_t i = 0; i < count; i++) {
		writer_u32(w, ranges[i].left);
		writer_u32(w, ranges[i].right);
	}
}
