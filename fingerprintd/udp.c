#include "fingerprintd/udp.h"

#include "base/writer.h"
#include "fingerprintd/host.h"
#include "wire/packet_checksum.h"
#include "wire/packet_icmp.h"
#include "wire/packet_udp.h"

#include <string.h>

enum {
	ERROR_MAX = 1500, /* of an unreachable: what a link holds */
	LENGTH_AT = 2,
	ID_AT = 4,
	TTL_AT = 8,
	CHECKSUM_AT = 10, /* of the IP header that is quoted */
	UDP_CHECKSUM_AT = 6,
};

/* RFC 1122 3.2.2: header and at least 8 bytes; RFC 1812 4.3.2.3: the error is at most 576 bytes. */
static size_t
quote_len(const struct udp_habits *habits, const struct packet_ip *ip, size_t len)
{
	size_t n = (size_t)ip->header_len + habits->quote, max = PERSONALITY_QUOTE_MAX;

	if (habits->quote == PERSONALITY_QUOTE_ALL)
		max = ERROR_MAX - PACKET_IP_HEADER - PACKET_ICMP_HEADER;
	if (n > max)
		n = max;
	return n < len || habits->quote_filled ? n : len;
}

/* What this stack does to a field before it quotes it: bugs, mostly, by which it is known. */
static void
spoil(uint8_t *at, const struct quoted *habit)
{
	uint8_t first = at[0];

	switch (habit->kind) {
	case QUOTED_ZERO:
		at[0] = at[1] = 0;
		break;
	case QUOTED_WRONG:
		at[0] ^= 0x5a;
		break;
	case QUOTED_SWAPPED:
		at[0] = at[1];
		at[1] = first;
		break;
	case QUOTED_VALUE:
		at[0] = (uint8_t)(habit->value >> 8);
		at[1] = (uint8_t)habit->value;
		break;
	default:
		break;
	}
}

static uint8_t
quoted_ttl(const struct udp_habits *habits, uint8_t ttl)
{
	int quoted = ttl - habits->quoted_ttl_less;

	return quoted < 0 ? 0 : quoted > UINT8_MAX ? UINT8_MAX : (uint8_t)quoted;
}

/* Right for the header as it is quoted. */
static void
checksum(uint8_t *header, size_t len)
{
	header[CHECKSUM_AT] = header[CHECKSUM_AT + 1] = 0;
	uint16_t sum = packet_checksum(header, len);

	header[CHECKSUM_AT] = (uint8_t)(sum >> 8);
	header[CHECKSUM_AT + 1] = (uint8_t)sum;
}

static size_t
quote(const struct udp_habits *habits, const struct packet_ip *ip, const uint8_t *packet, size_t len,
    uint8_t out[ERROR_MAX])
{
	size_t n = quote_len(habits, ip, len), data_at = (size_t)ip->header_len + PACKET_UDP_HEADER;

	memset(out, 0, n);
	memcpy(out, packet, n < len ? n : len);
	spoil(out + LENGTH_AT, &habits->length);
	spoil(out + ID_AT, &habits->id);
	out[TTL_AT] = quoted_ttl(habits, out[TTL_AT]);
	if (habits->ip_checksum.kind == QUOTED_SAME)
		checksum(out, ip->header_len);
	else
		spoil(out + CHECKSUM_AT, &habits->ip_checksum);
	if (n >= data_at)
		spoil(out + ip->header_len + UDP_CHECKSUM_AT, &habits->udp_checksum);
	if (n >= data_at + 2)
		spoil(out + data_at, &habits->data);
	return n;
}

enum answer
udp_input(struct host *h, const struct packet_ip *ip, const uint8_t *packet, size_t len, uint64_t now_us,
    struct packet_udp *udp, struct writer *out)
{
	const struct personality *p = h->group->personality;
	uint8_t quoted[ERROR_MAX];

	if (!packet_udp_parse(packet + ip->header_len, len - ip->header_len, &ip->source, &ip->destination, udp))
		return ANSWER_MALFORMED;
	if (!udp->checksum_ok)
		return ANSWER_BAD_CHECKSUM;
	if (p->udp.closed == UDP_CLOSED_SILENT || h->group->closed == DECOY_DROP)
		return ANSWER_NONE;
	if (!bucket_take(&h->errors, p->icmp.errors_per_second, p->icmp.errors_burst, now_us))
		return ANSWER_LIMITED;
	struct packet_icmp m = {
		.type = PACKET_ICMP_UNREACHABLE,
		.code = PACKET_ICMP_PORT,
		.rest = p->udp.unused,
		.data = quoted,
		.data_len = quote(&p->udp, ip, packet, len, quoted),
	};
	struct packet_ip error = {
		.source = ip->destination,
		.destination = ip->source,
		.tos = p->udp.tos,
		.df = p->udp.df,
		.ttl = p->udp.ttl != 0 ? p->udp.ttl : p->icmp.ttl,
		.protocol = PACKET_IP_ICMP,
		.id = host_icmp_id(h),
	};

	packet_ip_format(out, &error, PACKET_ICMP_HEADER + m.data_len);
	packet_icmp_format(out, &m);
	return ANSWER_SEND;
}
