/*
 * os_signature_test - SYNs and what is read in them, signature files and what
 * is wrong with them, and which signature a SYN gets.  That p0f itself agrees
 * is tests/scenario/test_os_guess.py's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/writer.h"
#include "fingerprintd/os_signature.h"
#include "wire/packet_ip.h"
#include "wire/packet_tcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PACKET_MAX = 256, REPORTS_MAX = 16 };

/* ---- SYNs ---- */

struct shape {
	struct packet_ip ip;
	struct packet_tcp tcp;
	const char *options; /* with their length */
	size_t options_len;
	const char *data;
};

#define OPTIONS(text) .options = (text), .options_len = sizeof(text) - 1
#define LINUX_OPTIONS "\x02\x04\x05\xb4\x04\x02\x08\x0a\0\0\x30\x39\0\0\0\0\x01\x03\x03\x0a"
#define WINDOWS_OPTIONS "\x02\x04\x05\xb4\x01\x03\x03\x08\x01\x01\x04\x02"

static const struct shape linux_syn = {
	.ip = { .ttl = 64, .df = true, .id = 7 },
	.tcp = { .seq = 1000, .flags = PACKET_TCP_SYN, .window = 64240 },
	OPTIONS(LINUX_OPTIONS),
};

static size_t
build(const struct shape *s, uint8_t packet[PACKET_MAX])
{
	struct packet_ip ip = s->ip;
	const char *data = s->data != NULL ? s->data : "";
	struct writer w;

	ip.protocol = ip.protocol == 0 ? PACKET_IP_TCP : ip.protocol;
	ip.source = addr_from_v4(0xc6336407);
	ip.destination = addr_from_v4(0xcb00710a);
	writer_init(&w, packet, PACKET_MAX);
	packet_ip_format(&w, &ip, PACKET_TCP_HEADER + s->options_len + strlen(data));
	packet_tcp_format(&w, &s->tcp, s->options, s->options_len);
	writer_bytes(&w, data, strlen(data));
	assert_false(w.failed);
	return writer_len(&w);
}

static void
observe(const struct shape *s, struct os_observation *out)
{
	uint8_t packet[PACKET_MAX];
	size_t len = build(s, packet);

	assert_true(os_observe(packet, len, out));
}

static void
assert_reads(const char *expected, const struct shape *s)
{
	struct os_observation o;
	char text[OS_TEXT_MAX];

	observe(s, &o);
	assert_string_equal(os_observation_format(&o, text), expected);
}

static void
a_syn_reads_as_p0f_writes_it(void **state)
{
	(void)state;
	assert_reads("4:64+0:0:1460:mss*44,10:mss,sok,ts,nop,ws:df,id+:0", &linux_syn);
	assert_reads("4:115+13:0:1460:8192,8:mss,nop,ws,nop,nop,sok:df,id+:0",
	    &(struct shape){ .ip = { .ttl = 115, .df = true, .id = 1 },
		.tcp = { .seq = 1, .flags = PACKET_TCP_SYN, .window = 8192 },
		OPTIONS(WINDOWS_OPTIONS) });
	assert_reads("4:64+0:0:1460:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:df,ecn:0",
	    &(struct shape){ .ip = { .ttl = 64, .df = true },
		.tcp = { .seq = 1, .flags = PACKET_TCP_SYN | PACKET_TCP_ECE | PACKET_TCP_CWR, .window = 65535 },
		OPTIONS("\x02\x04\x05\xb4\x01\x03\x03\x06\x01\x01\x08\x0a\0\0\0\x09\0\0\0\0\x04\x02\0\0") });
	assert_reads("4:150+?:0:0:1024,0::id-,seq-:+",
	    &(struct shape){ .ip = { .ttl = 150 }, .tcp = { .flags = PACKET_TCP_SYN, .window = 1024 }, .data = "x" });
}

static void
each_quirk_is_seen(void **state)
{
	static const struct {
		const char *quirks;
		struct shape shape;
	} rows[] = {
		{ "df", { .ip = { .df = true } } }, { "df,id+", { .ip = { .df = true, .id = 9 } } },
		{ "id-", { .ip = { .id = 0 } } }, { "", { .ip = { .id = 9 } } },
		{ "ecn", { .ip = { .id = 9, .tos = 1 } } }, { "", { .ip = { .id = 9, .tos = 0xfc } } },
		{ "ecn", { .ip = { .id = 9 }, .tcp = { .flags = PACKET_TCP_ECE } } },
		{ "ecn", { .ip = { .id = 9 }, .tcp = { .flags = PACKET_TCP_CWR } } },
		{ "ecn", { .ip = { .id = 9 }, .tcp = { .reserved = 1 } } },
		{ "", { .ip = { .id = 9 }, .tcp = { .reserved = 14 } } },
		{ "0+", { .ip = { .id = 9, .reserved = true } } },
		{ "ack+", { .ip = { .id = 9 }, .tcp = { .ack = 1 } } },
		{ "uptr+", { .ip = { .id = 9 }, .tcp = { .urgent = 1 } } },
		{ "urgf+", { .ip = { .id = 9 }, .tcp = { .urgent = 1, .flags = PACKET_TCP_URG } } },
		{ "pushf+", { .ip = { .id = 9 }, .tcp = { .flags = PACKET_TCP_PSH } } },
		{ "ts1-", { .ip = { .id = 9 }, OPTIONS("\x01\x01\x08\x0a\0\0\0\0\0\0\0\0") } },
		{ "ts2+", { .ip = { .id = 9 }, OPTIONS("\x01\x01\x08\x0a\0\0\0\1\0\0\0\1") } },
		{ "opt+", { .ip = { .id = 9 }, OPTIONS("\0\1\0\0") } },
		{ "", { .ip = { .id = 9 }, OPTIONS("\0\0\0\1") } }, /* p0f leaves the last byte out */
		{ "exws", { .ip = { .id = 9 }, OPTIONS("\x01\x03\x03\x0f") } },
		{ "", { .ip = { .id = 9 }, OPTIONS("\x01\x03\x03\x0e") } },
		{ "bad", { .ip = { .id = 9 }, OPTIONS("\x02\x03\x05\xb4") } }, /* a length that isn't the kind's */
		{ "bad", { .ip = { .id = 9 }, OPTIONS("\x4d\x09\0\0") } }, /* longer than what is left */
		{ "bad", { .ip = { .id = 9 }, OPTIONS("\x4d\x01\0\0") } }, /* shorter than itself */
		{ "bad", { .ip = { .id = 9 }, OPTIONS("\x01\x01\x01\x02") } }, /* no length at all */
		{ "bad", { .ip = { .id = 9 }, OPTIONS("\x05\x04\0\0") } }, /* a SACK of nothing */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct shape s = rows[i].shape;
		char text[OS_TEXT_MAX], expected[64];
		struct os_observation o;

		s.ip.ttl = 64;
		s.tcp.seq = 1;
		s.tcp.flags |= PACKET_TCP_SYN;
		observe(&s, &o);
		os_observation_format(&o, text);
		snprintf(expected, sizeof(expected), ":%s:0", rows[i].quirks);
		if (strlen(text) < strlen(expected) || strcmp(text + strlen(text) - strlen(expected), expected) != 0)
			fail_msg("row %zu: %s does not end with %s", i, text, expected);
	}
}

static void
windows_are_told_as_multiples(void **state)
{
	static const struct {
		uint16_t window, mss;
		const char *text;
	} rows[] = {
		{ 29200, 1460, "mss*20" }, { 5552, 1400, "mss*4" }, /* of 1388: a timestamp takes 12 bytes */
		{ 5792, 1400, "mss*4" }, /* of 1448: what it leaves of an Ethernet's */
		{ 14600, 1400, "mss*10" }, /* of what an Ethernet's MSS would be */
		{ 1440 * 3, 1400, "mtu*3" }, { 4500, 1400, "mtu*3" }, { 65535, 1460, "65535" }, { 0, 1460, "0" },
		{ 990, 99, "990" }, /* too small an MSS to mean something */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char options[] = LINUX_OPTIONS, text[OS_TEXT_MAX], expected[64];
		struct shape s = linux_syn;
		struct os_observation o;

		options[2] = (char)(rows[i].mss >> 8);
		options[3] = (char)rows[i].mss;
		s.options = options;
		s.tcp.window = rows[i].window;
		observe(&s, &o);
		snprintf(expected, sizeof(expected), ":%u:%s,10:", rows[i].mss, rows[i].text);
		if (strstr(os_observation_format(&o, text), expected) == NULL)
			fail_msg("row %zu: no %s in %s", i, expected, text);
	}
}

static void
what_is_no_syn_is_refused(void **state)
{
	static const uint8_t flags[] = { 0, PACKET_TCP_ACK, PACKET_TCP_SYN | PACKET_TCP_ACK,
		PACKET_TCP_SYN | PACKET_TCP_RST, PACKET_TCP_SYN | PACKET_TCP_FIN };
	uint8_t packet[PACKET_MAX];
	struct shape s = linux_syn;
	struct os_observation o;
	size_t len = build(&s, packet);

	(void)state;
	assert_true(os_observe(packet, len, &o));
	for (size_t i = 0; i < len; i++)
		assert_false(os_observe(packet, i, &o));
	for (size_t i = 0; i < sizeof(flags); i++) {
		s.tcp.flags = flags[i];
		assert_false(os_observe(packet, build(&s, packet), &o));
	}
	s = linux_syn;
	s.ip.protocol = PACKET_IP_UDP;
	assert_false(os_observe(packet, build(&s, packet), &o));
}

static void
the_longest_text_has_room(void **state)
{
	static const char nops[] = "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"
				   "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01";
	struct shape s = linux_syn;
	struct os_observation o;
	char text[OS_TEXT_MAX];

	(void)state;
	s.options = nops;
	s.options_len = 40;
	observe(&s, &o);
	assert_int_equal(o.layout_len, 40); /* the last is the NUL: an end with nothing behind it */
	o.quirks = (1U << OS_QUIRK_COUNT) - 1;
	memset(o.layout, 255, sizeof(o.layout));
	os_observation_format(&o, text);
	assert_string_equal(text + strlen(text) - 6, ",bad:0");
}

/* ---- files ---- */

static struct os_signatures *signatures;
static struct {
	size_t line;
	const char *why;
} reports[REPORTS_MAX];
static size_t report_count;

static int
begin(void **state)
{
	(void)state;
	signatures = os_signatures_new();
	report_count = 0;
	return 0;
}

static int
finish(void **state)
{
	(void)state;
	os_signatures_free(&signatures);
	assert_null(signatures);
	return 0;
}

static void
report(void *ctx, size_t line, const char *why)
{
	(void)ctx;
	if (report_count < REPORTS_MAX) {
		reports[report_count].line = line;
		reports[report_count].why = why;
	}
	report_count++;
}

static size_t
add(const char *text)
{
	return os_signatures_add(signatures, text, strlen(text), report, NULL);
}

#define HEAD "[tcp:request]\nlabel = s:unix:A:b\n"

static void
each_form_is_taken(void **state)
{
	static const char *const forms[] = {
		"*:64:0:*:*,*:::0",
		"4:64-:0:1460:mss*20,7:mss,sok,ts,nop,ws:df,id+:+",
		"4:54+10:4:0:mtu*3,0:?34,sack,eol+3:ack+,ack-,bad:*",
		"4:54+?:255:65535:%8192,255:?255:flow,opt+:0",
		"*:255:0:*:65535,0:eol+40::0",
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		snprintf(text, sizeof(text), HEAD "sig = %s\n", forms[i]);
		if (add(text) != 1 || report_count != 0)
			fail_msg("%s: %s", forms[i], reports[0].why);
	}
	assert_int_equal(os_signatures_count(signatures), sizeof(forms) / sizeof(forms[0]));
}

static void
each_damage_is_told(void **state)
{
	static const struct {
		const char *line, *why;
	} rows[] = {
		{ "sig = *:64:0:*:*,*:::", "the payload must be 0, + or *" },
		{ "sig = *:64:0:*:*,*::0", "a signature has eight fields, with : between them" },
		{ "sig = *:64:0:*:*,*:::0:0", "a signature has eight fields, with : between them" },
		{ "sig =", "a signature has eight fields, with : between them" },
		{ "sig = 5:64:0:*:*,*:::0", "the version must be 4, 6 or *" },
		{ "sig = *:0:0:*:*,*:::0", "the TTL must be 1 to 255, alone or followed by -, +DISTANCE or +?" },
		{ "sig = *:256:0:*:*,*:::0", "the TTL must be 1 to 255, alone or followed by -, +DISTANCE or +?" },
		{ "sig = *:250+6:0:*:*,*:::0", "the TTL must be 1 to 255, alone or followed by -, +DISTANCE or +?" },
		{ "sig = *:64+x:0:*:*,*:::0", "the TTL must be 1 to 255, alone or followed by -, +DISTANCE or +?" },
		{ "sig = *:-:0:*:*,*:::0", "the TTL must be 1 to 255, alone or followed by -, +DISTANCE or +?" },
		{ "sig = *::0:*:*,*:::0", "the TTL must be 1 to 255, alone or followed by -, +DISTANCE or +?" },
		{ "sig = *:64:*:*:*,*:::0", "the length of IP options must be 0 to 255" },
		{ "sig = *:64:0:65536:*,*:::0", "the MSS must be * or 0 to 65535" },
		{ "sig = *:64:0:99999999999999999999:*,*:::0", "the MSS must be * or 0 to 65535" },
		{ "sig = *:64:0:*:%1,*:::0", "the window must be *, a number, %NUMBER, mss*NUMBER or mtu*NUMBER" },
		{ "sig = *:64:0:*:mss*0,*:::0", "the window must be *, a number, %NUMBER, mss*NUMBER or mtu*NUMBER" },
		{ "sig = *:64:0:*:mss,*:::0", "the window must be *, a number, %NUMBER, mss*NUMBER or mtu*NUMBER" },
		{ "sig = *:64:0:*:*:::0", "the window scale must be * or 0 to 255" },
		{ "sig = *:64:0:*:*,256:::0", "the window scale must be * or 0 to 255" },
		{ "sig = *:64:0:*:*,*:mms::0", "an option of the layout is not known" },
		{ "sig = *:64:0:*:*,*:eol::0", "an option of the layout is not known" },
		{ "sig = *:64:0:*:*,*:mss,,ws::0", "an option of the layout is not known" },
		{ "sig = *:64:0:*:*,*:mss,::0", "the layout ends with a comma" },
		{ "sig = *:64:0:*:*,*:?256::0", "? must be followed by an option's number" },
		{ "sig = *:64:0:*:*,*:eol+41::0", "eol+ must be followed by 0 to 40" },
		{ "sig = *:64:0:*:*,*:eol+1,nop::0", "eol must be the layout's last" },
		{ "sig = *:64:0:*:*,*:mss:dff:0", "a quirk is not known" },
		{ "sig = *:64:0:*:*,*:mss:df,:0", "the quirks end with a comma" },
		{ "label = x:unix:A:b", "a label begins with s: or g:" },
		{ "label = s:unix", "a label is type:class:name:flavour" },
		{ "label = s::A:b", "a label is type:class:name:flavour" },
		{ "label = s:unix:A\tb:c", "a label is printable UTF-8" },
		{ "label = s:unix:A:\xff", "a label is printable UTF-8" },
		{ "signature = *:64:0:*:*,*:::0", "neither label, sys nor sig" },
		{ "rubbish", "neither label, sys nor sig" },
		{ "[tcp:request", "a section's name without its ]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512];

		report_count = 0;
		snprintf(text, sizeof(text), "; a comment\n" HEAD "\n  %s \r\n", rows[i].line);
		assert_int_equal(add(text), 0);
		if (report_count != 1 || reports[0].line != 5 || strcmp(reports[0].why, rows[i].why) != 0)
			fail_msg("%s: %zu reports, line %zu: %s", rows[i].line, report_count, reports[0].line,
			    report_count == 0 ? "" : reports[0].why);
	}
}

static void
a_layout_of_more_than_forty_is_told(void **state)
{
	char nops[40 * 4 + 1] = "", text[512];

	(void)state;
	for (size_t i = 0; i < 40; i++)
		memcpy(nops + 4 * i, "nop,", 5);
	snprintf(text, sizeof(text), HEAD "sig = *:64:0:*:*,*:%snop::0\n", nops);
	assert_int_equal(add(text), 0);
	assert_string_equal(reports[0].why, "the layout has too many options");
}

static void
damage_takes_nothing_with_it(void **state)
{
	(void)state;
	assert_int_equal(add("[tcp:request]\n"
			     "sig = *:64:0:*:*,*:::0\n" /* no label yet */
			     "label = s:unix:A:b\n"
			     "sig = *:64:0:*:*,*:mss::0\n"
			     "label = q:unix:B:c\n"
			     "sig = *:64:0:*:*,*:mss,nop::0\n" /* must not become A's */
			     "label = s:!:C:\n"
			     "sys = @unix\n"
			     "sig = *:64:0:*:*,*:mss,ws::0"), /* no line end */
	    2);
	assert_int_equal(report_count, 3);
	assert_int_equal(reports[0].line, 2);
	assert_string_equal(reports[0].why, "a signature without a label");
	assert_int_equal(reports[1].line, 5);
	assert_int_equal(reports[2].line, 6);
}

static void
other_sections_and_ipv6_are_passed_over(void **state)
{
	(void)state;
	assert_int_equal(
	    add("classes = win,unix\n[mtu]\nlabel = Ethernet\nsig = 1500\n[http:request]\nua_os = Linux\n"
		"[tcp:response]\nlabel = s:unix:A:b\nsig = 4:64:0:*:*,*:mss::0\n"
		"[tcp:request]\nlabel = s:unix:A:b\nsig = 6:64:0:*:*,*:mss:flow:0\n[what:ever]\nrubbish\n"),
	    0);
	assert_int_equal(report_count, 0);
	assert_int_equal(os_signatures_count(signatures), 0);
}

static void
caps_are_told(void **state)
{
	(void)state;
	assert_int_equal(add(HEAD), 0);
	for (int i = 0; i < OS_SIGNATURES_MAX; i++)
		assert_int_equal(add(i < OS_LABELS_MAX - 1 ? HEAD "sig = *:64:0:*:*,*:::0\n"
							   : "[tcp:request]\nsig = *:64:0:*:*,*:::0\n"),
		    i < OS_LABELS_MAX - 1);
	assert_string_equal(reports[0].why, "a signature without a label");
	report_count = 0;
	assert_int_equal(add(HEAD "sig = *:64:0:*:*,*:::0\n"), 0);
	assert_int_equal(report_count, 2);
	assert_string_equal(reports[0].why, "too many labels");
	os_signatures_free(&signatures);
	signatures = os_signatures_new();
	static const char line[] = "sig=*:64:0:*:*,*:::0\n";
	size_t len = sizeof(line) - 1, head = strlen(HEAD);
	char *many = malloc(head + len * (OS_SIGNATURES_MAX + 2) + 1);

	assert_non_null(many);
	snprintf(many, head + 1, "%s", HEAD);
	for (size_t i = 0; i < OS_SIGNATURES_MAX + 2; i++)
		memcpy(many + head + len * i, line, sizeof(line));
	report_count = 0;
	assert_int_equal(add(many), OS_SIGNATURES_MAX);
	assert_int_equal(report_count, 2);
	assert_string_equal(reports[0].why, "too many signatures");
	free(many);
}

/* ---- matching ---- */

static const char set[] = "[tcp:request]\n"
			  "label = g:unix:Linux:\n"
			  "sig = *:64:0:*:*,*:mss,sok,ts,nop,ws:df,id+:0\n"
			  "label = s:unix:Linux:wide\n"
			  "sig = *:64:0:*:mss*44,10:mss,sok,ts,nop,ws:df,id+:0\n"
			  "label = s:unix:Linux:second\n"
			  "sig = *:64:0:*:mss*44,10:mss,sok,ts,nop,ws:df,id+:0\n"
			  "label = s:unix:Shy:1\n"
			  "sig = *:255:0:1460:%1024,0:mss::0\n"
			  "label = s:!:tool:\n"
			  "sig = *:64-:0:*:512,0:mss::0\n"
			  "label = s:unix:Observed:\n"
			  "sig = 4:40+?:0:*:777,0:mss::0\n"
			  "label = s:unix:Both:\n"
			  "sig = *:64:0:*:778,0:mss:flow:0\n";

static void
assert_guess(const struct shape *s, const char *label, bool generic, bool fuzzy, int distance)
{
	struct os_guess g = { .label = "nobody" };
	struct os_observation o;

	observe(s, &o);
	assert_int_equal(os_signatures_match(signatures, &o, &g), strcmp(label, "nobody") != 0);
	assert_string_equal(g.label, label);
	assert_int_equal(g.generic, generic);
	assert_int_equal(g.fuzzy, fuzzy);
	assert_int_equal(g.distance, distance);
}

static void
the_best_match_counts(void **state)
{
	struct shape s = linux_syn;

	(void)state;
	assert_int_equal(add(set), 7);
	assert_guess(&s, "Linux wide", false, false, 0); /* before the generic one above it and its equal below */
	s.ip.ttl = 29;
	assert_guess(&s, "Linux wide", false, false, 35);
	s.tcp.window = 64241;
	assert_guess(&s, "Linux", true, false, 35);
	s.data = "x";
	assert_guess(&s, "nobody", false, false, 0);
}

static void
fuzzy_is_what_p0f_calls_so(void **state)
{
	static const struct {
		struct packet_ip ip;
		uint8_t flags;
		const char *label;
		int distance;
	} rows[] = {
		{ { .ttl = 60, .df = true }, 0, "Linux", 4 }, /* id+ is gone; then the first in the file */
		{ { .ttl = 60, .id = 1 }, 0, "Linux", 4 }, /* and df */
		{ { .ttl = 60 }, 0, "Linux", 4 }, /* id- came */
		{ { .ttl = 60, .df = true, .id = 1 }, PACKET_TCP_ECE | PACKET_TCP_CWR, "Linux", 4 },
		{ { .ttl = 28, .df = true, .id = 1 }, 0, "Linux", 4 }, /* too far off 64 */
		{ { .ttl = 65, .df = true, .id = 1 }, 0, "Linux", 63 },
		{ { .ttl = 60, .df = true, .id = 1 }, PACKET_TCP_PSH, NULL, 0 },
		{ { .ttl = 60, .df = true, .id = 1, .reserved = true }, 0, NULL, 0 },
	};

	(void)state;
	add(set);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct shape s = linux_syn;

		s.ip = rows[i].ip;
		s.tcp.flags |= rows[i].flags;
		if (rows[i].label != NULL)
			assert_guess(&s, rows[i].label, true, true, rows[i].distance);
		else
			assert_guess(&s, "nobody", false, false, 0);
	}
}

static void
a_tool_is_never_matched_fuzzily(void **state)
{
	struct shape s = { .ip = { .ttl = 33, .id = 1 },
		.tcp = { .seq = 1, .flags = PACKET_TCP_SYN, .window = 512 },
		OPTIONS("\x02\x04\x05\xb4") };
	struct os_observation o;
	struct os_guess g;

	(void)state;
	add(set);
	assert_guess(&s, "tool", false, false, -1); /* any TTL up to 64: it tells no distance */
	observe(&s, &o);
	assert_true(os_signatures_match(signatures, &o, &g));
	assert_true(g.tool);
	s.ip.id = 0;
	assert_guess(&s, "nobody", false, false, 0);
	s.ip.id = 1;
	s.ip.ttl = 65;
	assert_guess(&s, "nobody", false, false, 0);
}

static void
windows_ttls_and_sizes_are_held_to(void **state)
{
	struct shape s = { .ip = { .ttl = 250, .id = 1 },
		.tcp = { .seq = 1, .flags = PACKET_TCP_SYN, .window = 3072 },
		OPTIONS("\x02\x04\x05\xb4") };

	(void)state;
	add(set);
	assert_guess(&s, "Shy 1", false, false, 5);
	s.tcp.window = 3073;
	assert_guess(&s, "nobody", false, false, 0);
	s.tcp.window = 777;
	assert_guess(&s, "Observed", false, false, -1); /* an initial TTL that nobody knows fits all */
	s.tcp.window = 778;
	s.ip.ttl = 64;
	assert_guess(&s, "Both", false, false, 0); /* a flow label is not missed in IPv4 */
	s.ip.ttl = 250;
	s.tcp.window = 3072;
	s.options = "\x02\x04\x05\xb3";
	assert_guess(&s, "nobody", false, false, 0);
}

static void
the_earlier_file_wins_among_equals(void **state)
{
	struct shape s = linux_syn;

	(void)state;
	add("[tcp:request]\nlabel = s:unix:Ours:\nsig = *:64:0:*:mss*44,7:mss,sok,ts,nop,ws:df,id+:0\n"
	    "label = g:unix:Ours generic:\nsig = *:64:0:*:*,*:mss,sok,ts,nop,ws:df,id+:0\n");
	assert_guess(&s, "Ours generic", true, false, 0);
	add("[tcp:request]\nlabel = s:unix:Theirs:\nsig = *:64:0:*:*,*:mss,sok,ts,nop,ws:df,id+:0\n"
	    "label = s:unix:Theirs too:\nsig = *:64:0:*:mss*44,7:mss,sok,ts,nop,ws:df,id+:0\n");
	assert_guess(&s, "Theirs", false, false, 0); /* specific beats generic, whichever file it is in */
	s.options = "\x02\x04\x05\xb4\x04\x02\x08\x0a\0\0\x30\x39\0\0\0\0\x01\x03\x03\x07";
	assert_guess(&s, "Ours", false, false, 0);
}

/* ---- our own file ---- */

static void
add_our_own(void)
{
	static char text[256 * 1024];
	FILE *f = fopen(OS_SIGNATURES, "r");

	assert_non_null(f);
	size_t len = fread(text, 1, sizeof(text), f);

	fclose(f);
	assert_true(os_signatures_add(signatures, text, len, report, NULL) > 100);
	assert_int_equal(report_count, 0);
}

static void
our_own_file_knows_what_is_common(void **state)
{
	struct shape s = linux_syn;

	(void)state;
	add_our_own();
	assert_guess(&s, "Linux 6.16 or newer", false, false, 0);
	s.options = "\x02\x04\x05\xb4\x04\x02\x08\x0a\0\0\x30\x39\0\0\0\0\x01\x03\x03\x07";
	assert_guess(&s, "Linux 4.20 to 6.15", false, false, 0);
	s.tcp.window = 29200;
	assert_guess(&s, "Linux 3.11 to 4.19", false, false, 0);
	s.tcp.window = 30000;
	assert_guess(&s, "Linux", true, false, 0);
	s = (struct shape){ .ip = { .ttl = 113, .df = true, .id = 5 },
		.tcp = { .seq = 1, .flags = PACKET_TCP_SYN, .window = 64240 },
		OPTIONS(WINDOWS_OPTIONS) };
	assert_guess(&s, "Windows 10 or 11", false, false, 15);
	s.tcp.window = 8192;
	assert_guess(&s, "Windows Vista to 8.1", false, false, 15);
	s = (struct shape){ .ip = { .ttl = 240, .id = 54321 },
		.tcp = { .seq = 1, .flags = PACKET_TCP_SYN, .window = 65535 } };
	assert_guess(&s, "ZMap", false, false, 15);
}

int
main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, begin, finish)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_syn_reads_as_p0f_writes_it),
		cmocka_unit_test(each_quirk_is_seen),
		cmocka_unit_test(windows_are_told_as_multiples),
		cmocka_unit_test(what_is_no_syn_is_refused),
		cmocka_unit_test(the_longest_text_has_room),
		WITH(each_form_is_taken),
		WITH(each_damage_is_told),
		WITH(a_layout_of_more_than_forty_is_told),
		WITH(damage_takes_nothing_with_it),
		WITH(other_sections_and_ipv6_are_passed_over),
		WITH(caps_are_told),
		WITH(the_best_match_counts),
		WITH(fuzzy_is_what_p0f_calls_so),
		WITH(a_tool_is_never_matched_fuzzily),
		WITH(windows_ttls_and_sizes_are_held_to),
		WITH(the_earlier_file_wins_among_equals),
		WITH(our_own_file_knows_what_is_common),
	};
#undef WITH

	return cmocka_run_group_tests(tests, NULL, NULL);
}
