#include "fingerprintd/fragments.h"

#include "base/mem.h"
#include "base/writer.h"

#include <stdlib.h>
#include <string.h>

enum { UNIT = 8, UNITS = FRAGMENTS_BYTES_MAX / UNIT };

struct assembly {
	uint64_t since_us;
	struct packet_ip first; /* header of the fragment at offset 0, or what tells the packet until it comes */
	bool used;
	size_t total; /* bytes of payload; 0: the last fragment hasn't come */
	size_t have;
	uint8_t units[UNITS / 8]; /* bit set: these eight bytes are here */
	uint8_t payload[FRAGMENTS_BYTES_MAX];
};

struct fragments {
	struct assembly list[FRAGMENTS_PACKETS_MAX];
	uint8_t packet[PACKET_IP_HEADER + FRAGMENTS_BYTES_MAX];
};

/* RFC 791: a packet is told by source, destination, protocol and identification. */
static bool
same_packet(const struct packet_ip *a, const struct packet_ip *b)
{
	return a->id == b->id && a->protocol == b->protocol && addr_equal(&a->source, &b->source) &&
	    addr_equal(&a->destination, &b->destination);
}

static struct assembly *
find_or_begin(struct fragments *f, const struct packet_ip *ip, uint64_t now_us)
{
	struct assembly *room = NULL;

	for (size_t i = 0; i < FRAGMENTS_PACKETS_MAX; i++) {
		struct assembly *a = &f->list[i];

		if (a->used && now_us - a->since_us > FRAGMENTS_TIME_US)
			a->used = false;
		if (a->used && same_packet(&a->first, ip))
			return a;
		if (!a->used && room == NULL)
			room = a;
	}
	if (room == NULL)
		return NULL;
	room->since_us = now_us;
	room->first = *ip;
	room->used = true;
	room->total = room->have = 0;
	memset(room->units, 0, sizeof(room->units));
	return room;
}

/* Only the last fragment may have a length that is not a multiple of eight. */
static bool
fits(const struct assembly *a, const struct packet_ip *ip, size_t len)
{
	size_t end = ip->offset + len;

	if (len == 0 || end > FRAGMENTS_BYTES_MAX || (ip->more && len % UNIT != 0))
		return false;
	return a->total == 0 || (ip->more && end <= a->total);
}

/* False when a unit is there already. */
static bool
mark(struct assembly *a, size_t offset, size_t len)
{
	for (size_t unit = offset / UNIT; unit * UNIT < offset + len; unit++) {
		uint8_t bit = (uint8_t)(1U << unit % 8);

		if ((a->units[unit / 8] & bit) != 0)
			return false;
		a->units[unit / 8] |= bit;
	}
	return true;
}

static bool
add(struct assembly *a, const struct packet_ip *ip, const uint8_t *payload, size_t len)
{
	if (!fits(a, ip, len) || !mark(a, ip->offset, len))
		return false;
	memcpy(a->payload + ip->offset, payload, len);
	a->have += len;
	if (ip->offset == 0)
		a->first = *ip;
	if (!ip->more)
		a->total = ip->offset + len;
	return a->total == 0 || a->have <= a->total;
}

static void
finish(struct fragments *f, struct assembly *a, const uint8_t **packet, size_t *len)
{
	struct packet_ip whole = a->first;
	struct writer w;

	whole.more = false;
	whole.offset = 0;
	writer_init(&w, f->packet, sizeof(f->packet));
	packet_ip_format(&w, &whole, a->total);
	writer_bytes(&w, a->payload, a->total);
	*packet = f->packet;
	*len = writer_len(&w);
	a->used = false;
}

enum fragments_result
fragments_input(struct fragments *f, const struct packet_ip *ip, const uint8_t *payload, size_t payload_len,
    uint64_t now_us, const uint8_t **packet, size_t *len)
{
	struct assembly *a = find_or_begin(f, ip, now_us);

	if (a == NULL)
		return FRAGMENTS_REFUSED;
	if (!add(a, ip, payload, payload_len)) {
		a->used = false;
		return FRAGMENTS_REFUSED;
	}
	if (a->total == 0 || a->have < a->total)
		return FRAGMENTS_MORE;
	finish(f, a, packet, len);
	return FRAGMENTS_WHOLE;
}

struct fragments *
fragments_new(void)
{
	return xcalloc(1, sizeof(struct fragments));
}

void
fragments_free(struct fragments **fp)
{
	free(*fp);
	*fp = NULL;
}
