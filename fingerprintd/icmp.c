#include "fingerprintd/icmp.h"

#include "base/writer.h"
#include "fingerprintd/host.h"
#include "wire/packet_icmp.h"

enum {
	TIMESTAMP_BYTES = 12, /* three clocks (RFC 792) */
	MASK_BYTES = 4, /* RFC 950 */
};

static bool
reply_df(uint8_t habit, bool df)
{
	switch (habit) {
	case ICMP_DF_SAME:
		return df;
	case ICMP_DF_OTHER:
		return !df;
	default:
		return habit == ICMP_DF_YES;
	}
}

static uint8_t
reply_field(const struct icmp_field *habit, uint8_t asked)
{
	return habit->kind == ICMP_FIELD_SAME ? asked : habit->value;
}

static bool
answered(const struct icmp_habits *habits, const struct packet_icmp *m)
{
	switch (m->type) {
	case PACKET_ICMP_ECHO:
		return habits->echo;
	case PACKET_ICMP_TIMESTAMP:
		return habits->timestamp && m->data_len >= TIMESTAMP_BYTES;
	case PACKET_ICMP_INFORMATION:
		return habits->information;
	case PACKET_ICMP_MASK:
		return habits->mask && m->data_len >= MASK_BYTES;
	default:
		return false;
	}
}

/* The peer's clock is given back, ours is when we received and when we sent. */
static void
write_timestamps(const struct packet_icmp *m, uint32_t day_ms, uint8_t out[TIMESTAMP_BYTES])
{
	struct writer w;

	writer_init(&w, out, TIMESTAMP_BYTES);
	writer_bytes(&w, m->data, 4);
	writer_u32(&w, day_ms);
	writer_u32(&w, day_ms);
}

static void
send(struct host *h, const struct packet_ip *ip, const struct packet_icmp *reply, uint64_t now_us, struct writer *out)
{
	static const uint8_t class_c[MASK_BYTES] = { 255, 255, 255, 0 };
	const struct icmp_habits *habits = &h->group->personality->icmp;
	struct packet_icmp m = *reply;
	uint8_t clocks[TIMESTAMP_BYTES];
	struct packet_ip header = {
		.source = ip->destination,
		.destination = ip->source,
		.tos = reply_field(&habits->echo_tos, ip->tos),
		.ttl = habits->ttl,
		.protocol = PACKET_IP_ICMP,
		.id = host_icmp_id(h),
		.df = reply_df(habits->echo_df, ip->df),
	};

	if (m.type == PACKET_ICMP_TIMESTAMP) {
		write_timestamps(&m, host_day_ms(h, now_us), clocks);
		m.data = clocks;
		m.data_len = sizeof(clocks);
	} else if (m.type == PACKET_ICMP_MASK) {
		m.data = class_c;
		m.data_len = sizeof(class_c);
	}
	m.code = reply_field(&habits->echo_code, m.code);
	m.type = m.type == PACKET_ICMP_ECHO ? PACKET_ICMP_ECHO_REPLY : (uint8_t)(m.type + 1);
	packet_ip_format(out, &header, PACKET_ICMP_HEADER + m.data_len);
	packet_icmp_format(out, &m);
}

enum answer
icmp_input(struct host *h, const struct packet_ip *ip, const uint8_t *message, size_t len, uint64_t now_us,
    struct writer *out)
{
	const struct icmp_habits *habits = &h->group->personality->icmp;
	struct packet_icmp m;

	if (!packet_icmp_parse(message, len, &m))
		return ANSWER_MALFORMED;
	if (!m.checksum_ok)
		return ANSWER_BAD_CHECKSUM;
	if (!answered(habits, &m))
		return ANSWER_NONE;
	if (!bucket_take(&h->echoes, habits->echo_per_second, habits->echo_per_second, now_us))
		return ANSWER_LIMITED;
	send(h, ip, &m, now_us, out);
	return ANSWER_SEND;
}
