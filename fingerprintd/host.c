#include "fingerprintd/host.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
	MAC_HALF_BITS = 12,
	MAC_HALF_MASK = 0xfff,
	MAC_ROUNDS = 4,
	UPTIME_DAYS_MIN = 20, /* a machine is rebooted after so many days at least */
	UPTIME_DAYS_RANGE = 130,
	CLOCK_ERROR_MS = 3000,
	TCP_ID_MASK = 0x3f7f,
	ICMP_ID_MASK = 0x3f1f,
	ICMP_ID_LEAST = 0x80a0,
};
static const uint64_t day_ms = 86400000;

static uint32_t
round_value(const struct site_key *key, unsigned round, uint32_t half)
{
	const uint8_t in[3] = { (uint8_t)round, (uint8_t)(half >> 8), (uint8_t)half };
	uint8_t out[IDENTITY_BYTES];

	identity_derive_bytes(key, in, sizeof(in), "mac", out);
	return ((uint32_t)out[0] << 8 | out[1]) & MAC_HALF_MASK;
}

/*
 * The low 24 bits of a MAC are a keyed permutation (four Feistel rounds) of the
 * address' low 24 bits: two decoys of one vendor in a /8 never share a MAC, which
 * a hash of 24 bits would let happen from some thousands on.
 */
static uint32_t
mac_low(const struct site_key *key, uint32_t v4)
{
	uint32_t left = v4 >> MAC_HALF_BITS & MAC_HALF_MASK, right = v4 & MAC_HALF_MASK;

	for (unsigned i = 0; i < MAC_ROUNDS; i++) {
		uint32_t next = left ^ round_value(key, i, right);

		left = right;
		right = next;
	}
	return left << MAC_HALF_BITS | right;
}

static void
make_mac(struct host *h, const struct host_world *w)
{
	uint32_t low = mac_low(w->key, addr_v4(&h->stack.address));

	if (w->shared_mac != NULL) {
		memcpy(h->mac, w->shared_mac, sizeof(h->mac));
		return;
	}
	memcpy(h->mac, h->group->personality->mac_prefix, PERSONALITY_PREFIX);
	for (unsigned i = 0; i < 3; i++)
		h->mac[PERSONALITY_PREFIX + i] = (uint8_t)(low >> (16 - 8 * i));
}

/* The latest of the moments, some months apart and each decoy's own, at which it is rebooted. */
static uint64_t
boot_us(const struct host_world *w, const struct addr *a)
{
	uint64_t seed = identity_u64(w->key, a, "boot");
	uint64_t period_ms = (UPTIME_DAYS_MIN + seed % UPTIME_DAYS_RANGE) * day_ms;
	uint64_t up_ms = (w->wall_ms + (seed >> 8) % period_ms) % period_ms;

	return w->now_us - up_ms * 1000;
}

struct host *
host_new(const struct host_world *w, const struct addr *address, const struct decoy_group *g)
{
	struct host *h = xcalloc(1, sizeof(*h));
	uint64_t ids = identity_u64(w->key, address, "ip-id");

	h->stack.address = *address;
	h->stack.isn_secret[0] = identity_u64(w->key, address, "isn-0");
	h->stack.isn_secret[1] = identity_u64(w->key, address, "isn-1");
	h->stack.boot_us = boot_us(w, address);
	/* ICMP's counter is far above TCP's, in either byte order: who looks for one counter sees two. */
	h->stack.ids =
	    (struct ip_id_state){ ids & TCP_ID_MASK, (uint16_t)(ICMP_ID_LEAST | (ids >> 16 & ICMP_ID_MASK)), ids };
	h->stack.ctx = h;
	h->day_offset_ms = w->wall_ms - w->now_us / 1000 + (ids >> 32) % CLOCK_ERROR_MS;
	host_regroup(h, w, g);
	return h;
}

void
host_free(struct host **hp)
{
	free(*hp);
	*hp = NULL;
}

void
host_regroup(struct host *h, const struct host_world *w, const struct decoy_group *g)
{
	h->group = g;
	h->stack.habits = &g->personality->tcp;
	make_mac(h, w);
}

uint16_t
host_icmp_id(struct host *h)
{
	const struct icmp_habits *icmp = &h->group->personality->icmp;
	struct ip_id_state *ids = &h->stack.ids;

	return ip_id_next(ids, &icmp->ip_id, icmp->shared_ip_id ? &ids->tcp : &ids->icmp);
}

uint32_t
host_day_ms(const struct host *h, uint64_t now_us)
{
	return (uint32_t)((now_us / 1000 + h->day_offset_ms) % day_ms);
}

void
hosts_adopt(const struct host_world *w, struct decoys *now, struct decoys *before,
    void (*gone)(void *ctx, struct host *h), void *ctx)
{
	for (size_t i = 0; i < decoys_count(now); i++) {
		struct decoy *d = decoys_at(now, i);
		struct decoy *old = before == NULL ? NULL : decoys_find(before, &d->address);

		if (old == NULL || old->host == NULL) {
			d->host = host_new(w, &d->address, d->group);
			continue;
		}
		d->host = old->host;
		old->host = NULL;
		host_regroup(d->host, w, d->group);
	}
	for (size_t i = 0; before != NULL && i < decoys_count(before); i++) {
		struct decoy *old = decoys_at(before, i);

		if (old->host == NULL)
			continue;
		gone(ctx, old->host);
		host_free(&old->host);
	}
}

void
hosts_free(struct decoys *d)
{
	for (size_t i = 0; i < decoys_count(d); i++)
		host_free(&decoys_at(d, i)->host);
}
