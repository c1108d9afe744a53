#include "fingerprintd/os_observe.h"

#include "base/reader.h"
#include "wire/packet_ip.h"
#include "wire/packet_tcp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	KIND_EOL = 0,
	KIND_NOP = 1,
	KIND_MSS = 2,
	KIND_WSCALE = 3,
	KIND_SACK_PERMITTED = 4,
	KIND_SACK = 5,
	KIND_TS = 8,
	SACK_BYTES_MIN = 10,
	SACK_BYTES_MAX = 34,
	WSCALE_MAX = 14,
	TOS_ECN = 0x03, /* RFC 3168 5 */
	RESERVED_NONCE = 0x01, /* the nonce sum of RFC 3540 */
	HEADERS = PACKET_IP_HEADER + PACKET_TCP_HEADER,
	ETHERNET_MTU = 1500,
	TS_SPACE = 12, /* of a timestamp in each segment */
	MSS_PLAUSIBLE = 100, /* a window is a multiple of a smaller one by accident */
};

const char *
os_option_name(uint8_t kind)
{
	static const char *const names[] = {
		[KIND_EOL] = "eol",
		[KIND_NOP] = "nop",
		[KIND_MSS] = "mss",
		[KIND_WSCALE] = "ws",
		[KIND_SACK_PERMITTED] = "sok",
		[KIND_SACK] = "sack",
		[KIND_TS] = "ts",
	};

	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : NULL;
}

const char *
os_quirk_name(size_t index)
{
	static const char *const names[] = {
#define X(id, name) name,
		OS_QUIRKS(X)
#undef X
	};

	return names[index];
}

uint8_t
os_initial_ttl(uint8_t ttl)
{
	return ttl <= 32 ? 32 : ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255;
}

/* ---- the packet ---- */

static void
note(struct os_observation *o, bool seen, enum os_quirk quirk)
{
	if (seen)
		o->quirks |= quirk;
}

static void
observe_ip(struct os_observation *o, const struct packet_ip *ip)
{
	o->ttl = ip->ttl;
	o->ip_options = (uint8_t)(ip->header_len - PACKET_IP_HEADER);
	note(o, ip->df, OS_QUIRK_DF);
	note(o, ip->df && ip->id != 0, OS_QUIRK_ID_WITH_DF);
	note(o, !ip->df && ip->id == 0, OS_QUIRK_NO_ID);
	note(o, (ip->tos & TOS_ECN) != 0, OS_QUIRK_ECN);
	note(o, ip->reserved, OS_QUIRK_RESERVED);
}

/* What lies behind an end of options. p0f leaves the last byte out, so signatures know nothing of it. */
static void
trailer(struct os_observation *o, struct reader *r)
{
	o->eol_padding = (uint8_t)reader_left(r);
	while (reader_left(r) > 1)
		note(o, reader_u8(r) != 0, OS_QUIRK_TRAILER);
	(void)reader_u8(r);
}

/* Bytes of an option whose kind fixes them, whatever it says itself; 0: it has its own length. */
static size_t
fixed_length(uint8_t kind)
{
	static const uint8_t lengths[] = {
		[KIND_MSS] = 4,
		[KIND_WSCALE] = 3,
		[KIND_SACK_PERMITTED] = 2,
		[KIND_TS] = 10,
	};

	return kind < sizeof(lengths) ? lengths[kind] : 0;
}

static bool
length_possible(uint8_t kind, size_t len)
{
	return kind == KIND_SACK ? len >= SACK_BYTES_MIN && len <= SACK_BYTES_MAX : len >= 2;
}

static void
option_value(struct os_observation *o, uint8_t kind, struct reader *value)
{
	switch (kind) {
	case KIND_MSS:
		o->mss = reader_u16(value);
		break;
	case KIND_WSCALE:
		o->scale = reader_u8(value);
		note(o, o->scale > WSCALE_MAX, OS_QUIRK_SCALE_LARGE);
		break;
	case KIND_TS:
		note(o, reader_u32(value) == 0, OS_QUIRK_TS_ZERO);
		note(o, reader_u32(value) != 0, OS_QUIRK_TS_ECHO);
		break;
	default:
		break;
	}
}

/* An option of more than one byte. p0f believes its kind rather than its length, and so do signatures. */
static bool
long_option(struct os_observation *o, uint8_t kind, struct reader *r)
{
	size_t said = reader_u8(r), len = fixed_length(kind);
	struct reader value;

	if (len == 0 && !length_possible(kind, said))
		return false;
	if (len == 0)
		len = said;
	note(o, said != len, OS_QUIRK_BAD);
	const uint8_t *bytes = reader_bytes(r, len - 2);

	if (bytes == NULL)
		return false;
	reader_init(&value, bytes, len - 2);
	option_value(o, kind, &value);
	return true;
}

/* False: the rest cannot be read. */
static bool
next_option(struct os_observation *o, struct reader *r)
{
	uint8_t kind = reader_u8(r);

	o->layout[o->layout_len++] = kind;
	if (kind == KIND_EOL)
		trailer(o, r);
	return kind == KIND_EOL || kind == KIND_NOP || long_option(o, kind, r);
}

/* r holds the options and nothing else. */
static void
observe_options(struct os_observation *o, struct reader *r)
{
	while (reader_left(r) > 0) {
		if (!next_option(o, r)) {
			note(o, true, OS_QUIRK_BAD);
			return;
		}
	}
}

/* Whether segments give up room for a timestamp; p0f goes by a value that isn't 0. */
static bool
has_timestamp(const struct os_observation *o)
{
	return memchr(o->layout, KIND_TS, o->layout_len) != NULL && (o->quirks & OS_QUIRK_TS_ZERO) == 0;
}

/* The first base that divides the window without a rest tells how the system came to it. */
static void
observe_window(struct os_observation *o)
{
	bool ts = has_timestamp(o);
	const struct {
		enum os_window_base base;
		int bytes;
	} bases[] = {
		{ OS_WINDOW_MSS, o->mss },
		{ OS_WINDOW_MSS, ts ? o->mss - TS_SPACE : 0 },
		{ OS_WINDOW_MSS, ETHERNET_MTU - HEADERS },
		{ OS_WINDOW_MSS, ETHERNET_MTU - HEADERS - TS_SPACE },
		{ OS_WINDOW_MTU, o->mss + HEADERS },
		{ OS_WINDOW_MTU, ETHERNET_MTU },
	};

	if (o->window == 0 || o->mss < MSS_PLAUSIBLE)
		return;
	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		if (bases[i].bytes == 0 || o->window % bases[i].bytes != 0)
			continue;
		o->window_base = (uint8_t)bases[i].base;
		o->window_multiple = (uint16_t)(o->window / bases[i].bytes);
		return;
	}
}

static void
observe_flags(struct os_observation *o, const struct packet_tcp *tcp)
{
	note(o, (tcp->flags & (PACKET_TCP_ECE | PACKET_TCP_CWR)) != 0, OS_QUIRK_ECN);
	note(o, (tcp->reserved & RESERVED_NONCE) != 0, OS_QUIRK_ECN);
	note(o, tcp->seq == 0, OS_QUIRK_SEQ_ZERO);
	note(o, tcp->ack != 0, OS_QUIRK_ACK_SET);
	note(o, (tcp->flags & PACKET_TCP_URG) != 0, OS_QUIRK_URG);
	note(o, (tcp->flags & PACKET_TCP_URG) == 0 && tcp->urgent != 0, OS_QUIRK_URG_POINTER);
	note(o, (tcp->flags & PACKET_TCP_PSH) != 0, OS_QUIRK_PUSH);
}

/* The fixed part; packet_tcp_parse() refuses options that we want to see. False: cut. */
static bool
fixed_header(struct reader *r, struct packet_tcp *out, size_t *options_len)
{
	memset(out, 0, sizeof(*out));
	out->source = reader_u16(r);
	out->destination = reader_u16(r);
	out->seq = reader_u32(r);
	out->ack = reader_u32(r);
	uint8_t offset = reader_u8(r);

	out->reserved = offset & 0xf;
	out->flags = reader_u8(r);
	out->window = reader_u16(r);
	(void)reader_u16(r); /* checksum */
	out->urgent = reader_u16(r);
	size_t header = (size_t)(offset >> 4) * 4;

	if (r->failed || header < PACKET_TCP_HEADER)
		return false;
	*options_len = header - PACKET_TCP_HEADER;
	return *options_len <= reader_left(r);
}

bool
os_observe(const void *packet, size_t len, struct os_observation *out)
{
	struct reader r, options;
	struct packet_tcp tcp;
	struct packet_ip ip;
	size_t options_len;

	memset(out, 0, sizeof(*out));
	reader_init(&r, packet, len);
	if (!packet_ip_parse(&r, &ip) || ip.protocol != PACKET_IP_TCP || !fixed_header(&r, &tcp, &options_len))
		return false;
	if ((tcp.flags & (PACKET_TCP_SYN | PACKET_TCP_ACK | PACKET_TCP_RST | PACKET_TCP_FIN)) != PACKET_TCP_SYN)
		return false;
	out->window = tcp.window;
	reader_init(&options, reader_bytes(&r, options_len), options_len);
	out->payload = reader_left(&r) > 0;
	observe_ip(out, &ip);
	observe_flags(out, &tcp);
	observe_options(out, &options);
	observe_window(out);
	return true;
}

/* ---- the text ---- */

struct text {
	char *at;
	size_t left;
};

static void __attribute__((format(printf, 2, 3))) append(struct text *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(t->at, t->left, format, args);
	va_end(args);
	size_t used = n < 0 ? 0 : (size_t)n < t->left ? (size_t)n : t->left - 1;

	t->at += used;
	t->left -= used;
}

static void
append_ttl(struct text *t, uint8_t ttl)
{
	int distance = os_initial_ttl(ttl) - ttl;

	if (distance > OS_DISTANCE_MAX)
		append(t, "%d+?", ttl);
	else
		append(t, "%d+%d", ttl, distance);
}

static void
append_window(struct text *t, const struct os_observation *o)
{
	if (o->window_base == OS_WINDOW_PLAIN)
		append(t, "%u", o->window);
	else
		append(t, "%s*%u", o->window_base == OS_WINDOW_MSS ? "mss" : "mtu", o->window_multiple);
}

static void
append_layout(struct text *t, const struct os_observation *o)
{
	for (size_t i = 0; i < o->layout_len; i++) {
		const char *name = os_option_name(o->layout[i]), *comma = i > 0 ? "," : "";

		if (o->layout[i] == KIND_EOL)
			append(t, "%s%s+%d", comma, name, o->eol_padding);
		else if (name != NULL)
			append(t, "%s%s", comma, name);
		else
			append(t, "%s?%d", comma, o->layout[i]);
	}
}

static void
append_quirks(struct text *t, uint32_t quirks)
{
	const char *comma = "";

	for (size_t i = 0; i < OS_QUIRK_COUNT; i++) {
		if ((quirks & 1U << i) == 0)
			continue;
		append(t, "%s%s", comma, os_quirk_name(i));
		comma = ",";
	}
}

const char *
os_observation_format(const struct os_observation *o, char out[OS_TEXT_MAX])
{
	struct text t = { out, OS_TEXT_MAX };

	append(&t, "4:");
	append_ttl(&t, o->ttl);
	append(&t, ":%d:%u:", o->ip_options, o->mss);
	append_window(&t, o);
	append(&t, ",%d:", o->scale);
	append_layout(&t, o);
	append(&t, ":");
	append_quirks(&t, o->quirks);
	append(&t, ":%s", o->payload ? "+" : "0");
	return out;
}
