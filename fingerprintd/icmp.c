#include "fingerprintd/icmp.h"

#include "base/writer.h"
#include "fingerprintd/host.h"
#include "wire/packet_icmp.h"

static bool
reply_df(uint8_t habit, bool df)
{
	return habit == ICMP_DF_YES || (habit == ICMP_DF_SAME && df);
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
	if (m.type != PACKET_ICMP_ECHO || !habits->echo)
		return ANSWER_NONE;
	if (!bucket_take(&h->echoes, habits->echo_per_second, habits->echo_per_second, now_us))
		return ANSWER_LIMITED;
	struct packet_ip reply = {
		.source = ip->destination,
		.destination = ip->source,
		.tos = habits->echo_tos == ICMP_FIELD_SAME ? ip->tos : 0,
		.ttl = habits->ttl,
		.protocol = PACKET_IP_ICMP,
		.id = host_icmp_id(h, habits->ip_id),
		.df = reply_df(habits->echo_df, ip->df),
	};

	m.type = PACKET_ICMP_ECHO_REPLY;
	m.code = habits->echo_code == ICMP_FIELD_SAME ? m.code : 0;
	packet_ip_format(out, &reply, len);
	packet_icmp_format(out, &m);
	return ANSWER_SEND;
}
