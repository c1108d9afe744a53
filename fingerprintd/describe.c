#include "fingerprintd/describe.h"

#include "fingerprintd/tcp_options.h"

#include <string.h>

/* ---- words ---- */

static void
say_option(const struct habit_opt *o, const struct habits *h, FILE *out)
{
	static const char *const names[] = {
		[HABIT_OPT_SACK] = "SACK permitted",
		[HABIT_OPT_TS] = "timestamps",
		[HABIT_OPT_NOP] = "NOP",
		[HABIT_OPT_EOL] = "end of list",
		[HABIT_OPT_TS_NO_ECHO] = "timestamps without echo",
		[HABIT_OPT_TS_NO_CLOCK] = "timestamps without a clock",
		[HABIT_OPT_TS_EMPTY] = "empty timestamps",
	};

	if (o->kind == HABIT_OPT_MSS)
		fprintf(out, "MSS %u", o->given || h == NULL ? o->value : h->mss);
	else if (o->kind == HABIT_OPT_WSCALE)
		fprintf(out, "window scale %u", o->given || h == NULL ? o->value : h->wscale);
	else
		fputs(names[o->kind], out);
}

/* h: whose values are meant where none is given; NULL: a peer's list. */
static void
say_options(const struct habit_opt *list, const struct habits *h, FILE *out)
{
	if (list->kind == HABIT_OPT_END)
		fputs("no options", out);
	for (const struct habit_opt *o = list; o->kind != HABIT_OPT_END; o++) {
		if (o != list)
			fputs(", ", out);
		say_option(o, h, out);
	}
}

static const char *
ids_words(const struct habit_ids *ids, char room[32])
{
	static const char *const words[] = {
		[HABIT_IDS_ZERO] = "zero",
		[HABIT_IDS_INCREMENT] = "a counter",
		[HABIT_IDS_SWAPPED] = "a counter with its octets swapped",
		[HABIT_IDS_JUMPS] = "a counter in steps of about 1100",
		[HABIT_IDS_RANDOM] = "random",
		[HABIT_IDS_PER_FLOW] = "a counter of each connection",
	};

	if (ids->kind != HABIT_IDS_CONSTANT)
		return words[ids->kind];
	snprintf(room, 32, "always %u", ids->value);
	return room;
}

static const char *
ecn_words(uint8_t ecn)
{
	static const char *const words[] = { "no flag", "ECE", "ECE and CWR", "CWR" };

	return words[ecn];
}

static bool
df_of(uint8_t flag, bool usual)
{
	return flag == HABIT_DEFAULT ? usual : flag == HABIT_YES;
}

static void
say_flags(uint8_t flags, FILE *out)
{
	static const char *const names[] = { "FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR" };
	const char *before = "";

	if (flags == 0)
		fputs("a segment without flags", out);
	for (int i = 0; i < 8; i++) {
		if (flags & 1 << i) {
			fprintf(out, "%s%s", before, names[i]);
			before = "+";
		}
	}
}

/* ---- parts ---- */

/* acked: it answers a segment with an acknowledgement. */
static void
say_answer(const struct habits *h, const struct habit_answer *a, bool acked, FILE *out)
{
	static const char *const seqs[] = { NULL, "0", "the acknowledgement", "the acknowledgement + 1", "another" };
	static const char *const acks[] = { NULL, "0", "the sequence number", "the sequence number + 1", "another" };

	if (a->kind == HABIT_ANSWER_SILENT) {
		fputs("nothing\n", out);
		return;
	}
	say_flags(a->has_flags ? a->flags : acked ? PACKET_TCP_RST : PACKET_TCP_RST | PACKET_TCP_ACK, out);
	fprintf(out, ", number %s, acknowledges %s, window %u, TTL %u, %s",
	    seqs[a->seq != HABIT_SEQ_DEFAULT ? a->seq : (uint8_t)(acked ? HABIT_SEQ_ACK : HABIT_SEQ_ZERO)],
	    a->ack != HABIT_ACK_DEFAULT ? acks[a->ack]
		: acked                 ? "0"
					: "all of it",
	    a->window, a->ttl != 0 ? a->ttl : h->ttl, df_of(a->df, h->df) ? "DF" : "no DF");
	if (a->options[0].kind != HABIT_OPT_END) {
		fputs(", ", out);
		say_options(a->options, h, out);
	}
	if (a->data_len > 0)
		fprintf(out, ", %u octets of text", a->data_len);
	fprintf(out, "%s%s\n", a->reserved ? ", a reserved bit set" : "",
	    a->urgent ? ", an urgent pointer without URG" : "");
}

static void
say_kinds(const char *before, uint16_t kinds, FILE *out)
{
	static const char *const names[] = {
		[HABIT_OPT_MSS] = "an MSS",
		[HABIT_OPT_SACK] = "SACK",
		[HABIT_OPT_TS] = "timestamps",
		[HABIT_OPT_WSCALE] = "a window scale",
	};

	for (int i = HABIT_OPT_MSS; i <= HABIT_OPT_WSCALE; i++) {
		if (kinds & 1 << i) {
			fprintf(out, "%s%s", before, names[i]);
			before = " and ";
		}
	}
}

static void
say_case(const struct habits *h, const struct habit_case *c, FILE *out)
{
	fputs("  but to one", out);
	if (!c->any_offer) {
		fputs(" that offers exactly ", out);
		say_options(c->offered, NULL, out);
	}
	say_kinds(" that offers ", c->has, out);
	say_kinds(" without ", c->lacks, out);
	if (c->ecn != HABIT_DEFAULT)
		fputs(c->ecn == HABIT_YES ? " that asks for ECN" : " that doesn't ask for ECN", out);
	fputs(":", out);
	if (c->answer.kind != HABIT_ANSWER_USUAL) {
		fputs(" ", out);
		say_answer(h, &c->answer, false, out);
		return;
	}
	if (c->has_window)
		fprintf(out, " window %u;", c->window);
	if (c->has_options || c->has_order) {
		fputs(" ", out);
		say_options(c->options, h, out);
		fputs(c->has_order ? " as far as offered;" : ";", out);
	}
	if (c->ttl != 0)
		fprintf(out, " TTL %u;", c->ttl);
	if (c->df != HABIT_DEFAULT)
		fputs(c->df == HABIT_YES ? " DF;" : " no DF;", out);
	if (c->ecn_flags != HABIT_ECN_DEFAULT)
		fprintf(out, " %s;", ecn_words(c->ecn_flags));
	fprintf(out, "%s%s\n", c->reserved ? " a reserved bit set;" : "",
	    c->urgent ? " an urgent pointer without URG;" : "");
}

static void
say_gaps(const struct habits *h, FILE *out)
{
	unsigned at_ms = 0;

	fputs("  again, while nobody answers, after", out);
	for (int i = 0; i < HABITS_GAPS_MAX && h->gaps_ms[i] != 0; i++) {
		at_ms += h->gaps_ms[i];
		fprintf(out, "%s %u.%u s", i == 0 ? "" : ",", at_ms / 1000, at_ms % 1000 / 100);
	}
	fprintf(out, "; then %s\n", h->final_reset ? "a reset" : "nothing");
}

static void
say_handshake(const struct habits *h, FILE *out)
{
	fprintf(out, "SYN to an open port: SYN+ACK, TTL %u, %s, ", h->ttl, h->df ? "DF" : "no DF");
	if (h->window_buffer != 0)
		fprintf(out, "window of %u octets in whole segments", h->window_buffer);
	else if (h->window_mss != 0)
		fprintf(out, "window of %u segments", h->window_mss);
	else
		fprintf(out, "window %u", h->window);
	if (h->window_unscaled != 0)
		fprintf(out, " (whole segments of at least %u without a scale)", h->window_unscaled);
	fprintf(out, ", %s to ECN\n  options: ", ecn_words(h->ecn));
	say_options(h->options, h, out);
	fprintf(out, "%s; as far as they were offered\n",
	    h->mss_of == HABIT_MSS_LEAST ? " (the peer's MSS if smaller)" : "");
	for (int i = 0; i < h->case_count; i++)
		say_case(h, &h->cases[i], out);
	say_gaps(h, out);
}

static void
say_numbers(const struct habits *h, FILE *out)
{
	static const char *const starts[] = { "that began at boot", "that each connection reads with another offset",
		"that stands at zero" };
	char room[3][32];

	fputs("initial sequence numbers: ", out);
	if (h->isn.kind == HABIT_ISN_HASH)
		fputs("a keyed hash of the connection and a clock of 4 us\n", out);
	else if (h->isn.kind == HABIT_ISN_CONSTANT)
		fputs("always the same\n", out);
	else if (h->isn.kind == HABIT_ISN_RANDOM)
		fputs("random\n", out);
	else if (h->isn.kind == HABIT_ISN_ZERO)
		fputs("0\n", out);
	else if (h->isn.kind == HABIT_ISN_ACK)
		fputs("the SYN's acknowledgement number\n", out);
	else
		fprintf(out, "%.0f a second, scattered by %.0f, in multiples of %u\n", h->isn.per_second,
		    h->isn.deviation, h->isn.multiple_of);
	if (h->ts_hz != 0 || h->ts_start == HABIT_TS_ZERO)
		fprintf(out, "timestamps: a clock of %u Hz %s\n", h->ts_hz, starts[h->ts_start]);
	fprintf(out, "IP ids: %s in a SYN+ACK, %s in a connection, %s outside of one\n", ids_words(&h->ip_id, room[0]),
	    ids_words(&h->flow_ip_id, room[1]), ids_words(&h->reset_ip_id, room[2]));
}

static void
say_answers(const struct habits *h, FILE *out)
{
	static const struct {
		enum habit_class class;
		bool usually_silent, acked;
		const char *words;
	} rows[] = {
		{ HABIT_OPEN_NULL, true, false, "no flags, open port" },
		{ HABIT_OPEN_SYN_FIN, true, false, "SYN+FIN, open port" },
		{ HABIT_OPEN_FIN, true, false, "FIN, open port" },
		{ HABIT_OPEN_ACK, false, true, "ACK of no connection, open port" },
		{ HABIT_CLOSED_SYN, false, false, "SYN, closed port" },
		{ HABIT_CLOSED_ACK, false, true, "ACK, closed port" },
		{ HABIT_CLOSED_FIN, false, false, "FIN or no flags, closed port" },
	};

	if (h->answers[HABIT_OPEN_SYN].kind != HABIT_ANSWER_USUAL) {
		fputs("SYN to an open port, instead: ", out);
		say_answer(h, &h->answers[HABIT_OPEN_SYN], false, out);
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fprintf(out, "%s: ", rows[i].words);
		if (h->answers[rows[i].class].kind == HABIT_ANSWER_SYN)
			fputs("as a SYN\n", out);
		else if (rows[i].usually_silent && h->answers[rows[i].class].kind == HABIT_ANSWER_USUAL)
			fputs("nothing\n", out);
		else
			say_answer(h, &h->answers[rows[i].class], rows[i].acked, out);
	}
}

static void
say_echo(const struct icmp_habits *icmp, FILE *out)
{
	static const char *const dfs[] = { "no DF", "DF as asked", "DF", "DF opposite to what was asked" };
	static const char *const kinds[] = { "as asked", "zero", "" };
	char room[32];

	if (!icmp->echo) {
		fputs("ping: nothing\n", out);
		return;
	}
	fprintf(out, "ping: TTL %u, code %s", icmp->ttl, kinds[icmp->echo_code.kind]);
	if (icmp->echo_code.kind == ICMP_FIELD_VALUE)
		fprintf(out, "%u", icmp->echo_code.value);
	fprintf(out, ", TOS %s", kinds[icmp->echo_tos.kind]);
	if (icmp->echo_tos.kind == ICMP_FIELD_VALUE)
		fprintf(out, "%u", icmp->echo_tos.value);
	fprintf(out, ", %s, IP id %s%s\n", dfs[icmp->echo_df], ids_words(&icmp->ip_id, room),
	    icmp->shared_ip_id ? ", the one that TCP uses" : "");
}

/* A field that is not quoted as it came. */
static void
say_quoted(const char *field, const struct quoted *q, FILE *out)
{
	static const char *const words[] = {
		[QUOTED_ZERO] = "zero",
		[QUOTED_WRONG] = "wrong",
		[QUOTED_SWAPPED] = "with its octets swapped",
	};

	if (q->kind == QUOTED_VALUE)
		fprintf(out, ", %s always %u", field, q->value);
	else if (q->kind != QUOTED_SAME)
		fprintf(out, ", %s %s", field, words[q->kind]);
}

static void
say_mistakes(const struct udp_habits *udp, FILE *out)
{
	if (udp->quoted_ttl_less > 0)
		fprintf(out, ", TTL less by %u", udp->quoted_ttl_less);
	say_quoted("length", &udp->length, out);
	say_quoted("IP id", &udp->id, out);
	say_quoted("IP checksum", &udp->ip_checksum, out);
	say_quoted("UDP checksum", &udp->udp_checksum, out);
	say_quoted("data", &udp->data, out);
}

static void
say_udp(const struct personality *p, FILE *out)
{
	const struct udp_habits *udp = &p->udp;

	if (udp->closed == UDP_CLOSED_SILENT) {
		fputs("UDP: nothing\n", out);
		return;
	}
	fputs("UDP: port unreachable that quotes ", out);
	if (udp->quote == PERSONALITY_QUOTE_ALL)
		fputs("all", out);
	else
		fprintf(out, "%u octets%s", udp->quote, udp->quote_filled ? ", filled with zeros" : "");
	say_mistakes(udp, out);
	fprintf(out, "; TTL %u, TOS %u, %s; %u a second at most, %u at once\n", udp->ttl != 0 ? udp->ttl : p->icmp.ttl,
	    udp->tos, udp->df ? "DF" : "no DF", p->icmp.errors_per_second, p->icmp.errors_burst);
}

void
describe(const struct personality *p, FILE *out)
{
	const uint8_t *mac = p->mac_prefix;

	fprintf(out, "%s%s%s\n", p->name, p->about[0] != '\0' ? ": " : "", p->about);
	if (p->expect[0] != '\0')
		fprintf(out, "scanners call it: %s\n", p->expect);
	fprintf(out, "MAC addresses: %02x:%02x:%02x and three octets of each decoy's own\n", mac[0], mac[1], mac[2]);
	say_handshake(&p->tcp, out);
	say_numbers(&p->tcp, out);
	say_answers(&p->tcp, out);
	say_echo(&p->icmp, out);
	fprintf(out, "ICMP timestamp, information, mask requests: %s, %s, %s\n",
	    p->icmp.timestamp ? "answered" : "nothing", p->icmp.information ? "answered" : "nothing",
	    p->icmp.mask ? "answered" : "nothing");
	say_udp(p, out);
}
