/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Invented fingerprints: each is converted, and the model then says which of its expressions aren't met. */
#include "sample.h"

#include "fingerprintd/import/convert.h"
#include "fingerprintd/import/model.h"

#include <cjson/cJSON.h>

/* A stack that answers in one way, with a running clock and hashed sequence numbers. */
static const char even[] =
    "Fingerprint Evenix 3.4 - 3.9\n"
    "Class Evenix | Linux | 3.X | general purpose\n"
    "SEQ(SP=FC-106%GCD=1-6%ISR=108-112%TI=Z%CI=I%II=I%TS=8)\n"
    "OPS(O1=M5B4ST11NW6%O2=M5B4ST11NW6%O3=M5B4NNT11NW6%O4=M5B4ST11NW6%O5=M5B4ST11NW6%O6=M5B4ST11)\n"
    "WIN(W1=3890%W2=3890%W3=3890%W4=3890%W5=3890%W6=3890)\n"
    "ECN(R=Y%DF=Y%T=3B-45%TG=40%W=3908%O=M5B4NNSNW6%CC=Y%Q=)\n"
    "T1(R=Y%DF=Y%T=3B-45%TG=40%S=O%A=S+%F=AS%RD=0%Q=)\n"
    "T2(R=N)\nT3(R=N)\n"
    "T4(R=Y%DF=Y%T=3B-45%TG=40%W=0%S=A%A=Z%F=R%O=%RD=0%Q=)\n"
    "T5(R=Y%DF=Y%T=3B-45%TG=40%W=0%S=Z%A=S+%F=AR%O=%RD=0%Q=)\n"
    "T6(R=Y%DF=Y%T=3B-45%TG=40%W=0%S=A%A=Z%F=R%O=%RD=0%Q=)\n"
    "T7(R=N)\n"
    "U1(DF=N%T=3B-45%TG=40%IPL=164%UN=0%RIPL=G%RID=G%RIPCK=G%RUCK=G%RUD=G)\n"
    "IE(DFI=N%T=3B-45%TG=40%CD=S)\n";

/* Everything that can be odd, is. */
static const char odd[] =
    "Fingerprint Oddix kettle, or teapot\n"
    "Class ZyXEL | ZyNOS || broadband router\n"
    "SEQ(SP=C-16%GCD=FA00|1F400|2EE00%ISR=9A-A4%TI=I|RD%CI=BI%II=RI%SS=S%TS=0)\n"
    "OPS(O1=M5B4NW0NNT00NNS%O2=M578NW0NNT00NNS%O3=M280NW0NNT00%O4=NM5B4WFF%O5=M218%O6=|M109NNT00NNS)\n"
    "WIN(W1=FAF0%W2=FAF0%W3=FA00|2000%W4=FFFF%W5=0%W6=FAF0)\n"
    "ECN(R=N)\n"
    "T1(R=Y%DF=N%T=FE%TG=FF%S=Z|O%A=S+|O%F=A|AS%RD=0%Q=U)\n"
    "T2(R=Y%DF=Y%T=FA-104%TG=FF%W=80%S=Z%A=S%F=AR%O=WANM109T10S%RD=44BD347E%Q=R)\n"
    "T3(R=Y%DF=N%T=FE%W=100%S=O|Z%A=O%F=AS%O=M109NW0NNT00NNS|M109%RD=0%Q=)\n"
    "T4(R=Y%DF=N%T=FE%W=400|8%S=A+%A=S%F=APR%O=%RD=E44A4E43%Q=RU)\n"
    "T5(R=Y%DF=N%T=3B-45|FE%W=0%S=A%A=O|S%F=AR|EAR%O=T00LL%RD=1F59B3D4%Q=)\n"
    "T6(R=N)\n"
    "T7(R=Y%DF=N%T=FE%W=FFFF%S=Z%A=Z%F=EUF|R%O=%RD=0%Q=)\n"
    "U1(DF=Y%T=3C%IPL=70%UN=BABA%RIPL=15C%RID=4210%RIPCK=Z%RUCK=0%RUD=I)\n"
    "IE(DFI=O|Y%TG=20%CD=7)\n";

/* A stack whose open ports refuse; its clock has another beginning for each connection. */
static const char refusing[] = "Fingerprint Refusix\n"
			       "Class Refusix | embedded\n"
			       "SEQ(TI=Z%CI=1234%II=RD%TS=20-22)\n"
			       "OPS(O1=M200ST11%O2=M200ST11%O3=M200ST11%O4=M200ST11%O5=M200ST11%O6=M200ST11)\n"
			       "WIN(W1=400%W2=400%W3=400%W4=400%W5=400%W6=400)\n"
			       "ECN(R=Y%DF=N%T=7B-85%W=400%O=M200ST11%CC=N%Q=)\n"
			       "T1(R=Y%DF=N%T=7B-85%TG=80%S=A%A=S%F=AR%RD=0%Q=)\n"
			       "U1(R=N)\nIE(R=N)\n";

static struct sample *
read_one(const char *text)
{
	struct sample *s = sample_read(text, strlen(text), 1000);

	assert_string_equal(s->complaints, "");
	assert_int_equal(s->count, 1);
	return s;
}

/* "T1.S T1.A ": what isn't met. */
static void
note(void *ctx, enum osdb_test test, enum osdb_attribute attribute, const char *seen)
{
	char *out = ctx;
	size_t len = strlen(out);

	(void)seen;
	snprintf(out + len, SAMPLE_TEXT_MAX - len, "%s.%s ", osdb_test_name(test), osdb_attribute_name(attribute));
}

static const char *
differences(const cJSON *personality, const struct osdb_fingerprint *f)
{
	static char out[SAMPLE_TEXT_MAX];
	static struct model model;

	out[0] = '\0';
	model_observe(personality, &model);
	model_compare(&model, f, note, out);
	return out;
}

/* "tcp.cases.0.options": printed, or "absent". The caller frees it. */
static char *
value_at(const cJSON *json, const char *path)
{
	char copy[128], *rest = copy;

	snprintf(copy, sizeof(copy), "%s", path);
	while (json != NULL && rest != NULL) {
		const char *key = strsep(&rest, ".");

		json = cJSON_IsArray(json) ? cJSON_GetArrayItem(json, atoi(key))
					   : cJSON_GetObjectItemCaseSensitive(json, key);
	}
	char *text = json == NULL ? NULL : cJSON_PrintUnformatted(json);
	char *out = strdup(text == NULL ? "absent" : text);

	cJSON_free(text);
	return out;
}

struct expectation {
	const char *path, *value;
};

static void
converts(const char *text, const struct expectation *rows, size_t count)
{
	struct sample *s = read_one(text);
	cJSON *json = convert_fingerprint(&s->f[0], "x");

	for (size_t i = 0; i < count; i++) {
		char *value = value_at(json, rows[i].path);

		if (strcmp(value, rows[i].value) != 0)
			fail_msg("%s is %s, not %s", rows[i].path, value, rows[i].value);
		free(value);
	}
	assert_string_equal(differences(json, &s->f[0]), "");
	cJSON_Delete(json);
	sample_free(&s);
}

static void
an_even_stack_needs_few_cases(void **state)
{
	static const struct expectation rows[] = {
		{ "version", "1" },
		{ "name", "\"x\"" },
		{ "about", "\"Evenix 3.4 - 3.9 (line 1)\"" },
		{ "expect", "\"Evenix 3.4 - 3.9\"" },
		{ "mac_prefix", "\"00:0c:29\"" },
		{ "tcp.ttl", "64" },
		{ "tcp.df", "true" },
		{ "tcp.mss", "1460" },
		{ "tcp.mss_of", "absent" },
		{ "tcp.window", "14480" },
		{ "tcp.window_mss", "absent" },
		{ "tcp.wscale", "6" },
		{ "tcp.options", "[\"mss\",\"sack\",\"ts\",\"nop\",\"wscale\"]" },
		{ "tcp.ts_hz", "250" },
		{ "tcp.ts_start", "absent" },
		{ "tcp.isn.kind", "\"increments\"" },
		{ "tcp.isn.multiple_of", "1" },
		{ "tcp.ip_id", "\"zero\"" },
		{ "tcp.flow_ip_id", "\"per-flow\"" },
		{ "tcp.reset_ip_id", "\"increment\"" },
		{ "tcp.ecn", "\"ece\"" },
		{ "tcp.syn_ack_gaps_ms", "[1000,2000,4000,8000,16000]" },
		{ "tcp.cases.0.offered", "[\"ts\",\"nop\",\"nop\",\"wscale:5\",\"nop\",\"mss:640\"]" },
		{ "tcp.cases.0.options", "[\"mss:1460\",\"nop\",\"nop\",\"ts\",\"nop\",\"wscale:6\"]" },
		{ "tcp.cases.0.window", "absent" },
		{ "tcp.cases.1.ecn", "true" },
		{ "tcp.cases.1.window", "14600" },
		{ "tcp.cases.2", "absent" },
		{ "tcp.answers.open_null", "\"silent\"" },
		{ "tcp.answers.open_ack.flags", "\"R\"" },
		{ "tcp.answers.open_ack.data", "absent" },
		{ "tcp.answers.closed_syn.ack", "\"seq+1\"" },
		{ "tcp.answers.open_syn", "absent" },
		{ "icmp.ip_id", "\"increment\"" },
		{ "icmp.echo", "absent" },
		{ "icmp.echo_df", "\"no\"" },
		{ "icmp.echo_code", "\"same\"" },
		{ "udp.closed", "\"unreachable\"" },
		{ "udp.quote", "548" },
		{ "udp.tos", "192" },
	};

	(void)state;
	converts(even, rows, sizeof(rows) / sizeof(rows[0]));
}

static void
an_odd_stack_is_expressed_in_full(void **state)
{
	static const struct expectation rows[] = {
		{ "mac_prefix", "\"00:13:49\"" },
		{ "tcp.ttl", "254" },
		{ "tcp.df", "false" },
		{ "tcp.mss_of", "\"least\"" },
		{ "tcp.options", "[\"mss\",\"nop\",\"wscale\",\"nop\",\"nop\",\"ts-empty\",\"nop\",\"nop\",\"sack\"]" },
		{ "tcp.isn.multiple_of", "64000" },
		{ "tcp.ip_id", "\"increment\"" },
		{ "tcp.flow_ip_id", "absent" },
		{ "tcp.reset_ip_id", "\"swapped\"" },
		{ "tcp.answers.open_syn", "absent" },
		{ "tcp.answers.open_null.options", "[\"wscale:10\",\"nop\",\"mss:265\",\"ts-no-echo\",\"sack\"]" },
		{ "tcp.answers.open_null.window", "128" },
		{ "tcp.answers.open_null.df", "true" },
		{ "tcp.answers.open_null.ttl", "absent" },
		{ "tcp.answers.open_null.reserved", "true" },
		{ "tcp.answers.open_syn_fin.flags", "\"SA\"" },
		{ "tcp.answers.open_syn_fin.seq", "\"other\"" },
		{ "tcp.answers.open_ack.data", "\"4e6f20544350\"" },
		{ "tcp.answers.open_ack.seq", "\"ack+1\"" },
		{ "tcp.answers.closed_ack", "\"silent\"" },
		{ "icmp.ip_id", "\"jumps\"" },
		{ "icmp.shared_ip_id", "true" },
		{ "icmp.ttl", "32" },
		{ "icmp.echo_code", "7" },
		{ "udp.ttl", "60" },
		{ "udp.quote", "64" },
		{ "udp.unused", "47802" },
		{ "udp.quoted_length", "348" },
		{ "udp.quoted_id", "\"swapped\"" },
		{ "udp.quoted_ip_checksum", "\"zero\"" },
		{ "udp.quoted_udp_checksum", "0" },
		{ "udp.quoted_data", "\"wrong\"" },
	};

	(void)state;
	converts(odd, rows, sizeof(rows) / sizeof(rows[0]));
}

static void
a_refusing_stack_has_one_answer_to_nmaps_syns(void **state)
{
	static const struct expectation rows[] = {
		{ "tcp.answers", "absent" },
		{ "tcp.cases.0.answer.flags", "\"RA\"" },
		{ "tcp.cases.0.answer.seq", "\"ack\"" },
		{ "tcp.cases.5.answer.ack", "\"seq\"" },
		{ "tcp.cases.5.answer.window", "1024" },
		{ "tcp.cases.6.ecn", "true" },
		{ "tcp.cases.6.answer.options", "[\"mss:512\",\"sack\",\"ts\"]" },
		{ "tcp.window", "1024" },
		{ "tcp.ts_start", "\"random\"" },
		{ "tcp.isn", "{\"kind\":\"ack\"}" },
		{ "tcp.flow_ip_id", "\"zero\"" },
		{ "tcp.reset_ip_id", "4660" },
		{ "tcp.answers.closed_syn", "absent" },
		{ "icmp.echo", "false" },
		{ "udp.closed", "\"silent\"" },
	};

	(void)state;
	converts(refusing, rows, sizeof(rows) / sizeof(rows[0]));
}

static void
nothing_known_is_answered_as_the_rfcs_have_it(void **state)
{
	static const struct expectation rows[] = {
		{ "tcp.ttl", "64" },
		{ "tcp.options", "[\"mss\"]" },
		{ "tcp.isn", "absent" },
		{ "tcp.ip_id", "\"increment\"" },
		{ "tcp.cases", "absent" },
		{ "tcp.answers", "absent" },
		{ "tcp.syn_ack_gaps_ms", "[3000,6000,12000,24000]" },
		{ "icmp.ttl", "64" },
		{ "udp.closed", "\"unreachable\"" },
		{ "udp.quote", "8" },
	};

	(void)state;
	converts("Fingerprint Unknown\n", rows, sizeof(rows) / sizeof(rows[0]));
}

/* What the format can't say is what the model finds, no more and no less. */
static void
what_cannot_be_expressed_is_found(void **state)
{
	static const struct {
		const char *line, *differences;
	} rows[] = {
		{ "T1(R=Y%T=100%TG=FF)", "" },
		{ "T1(R=Y%T=250-25A%TG=FF)", "T1.T " },
		{ "T1(R=Y%T=FF78-FF82%TG=40)\nIE(T=FF82%TG=40)", "" },
		{ "T1(R=Y%T=41%TG=40)\nU1(T=100%TG=FF)", "" },
		{ "T1(R=Y%T=FF-100)", "" },
		{ "T1(R=N)", "" },
		{ "ECN(R=Y%O=M5B4)\nT1(R=N)", "" },
		{ "OPS(O2=M5B4)\nECN(R=Y%O=M5B4)\nT1(R=N)", "" },
		{ "U1(RID=1042)", "U1.RID " },
		{ "SEQ(GCD=0)\nT1(R=Y%S=Z)", "" },
		{ "SEQ(GCD=1-6%ISR=90-9A)\nT1(R=Y%S=Z)", "" },
		{ "SEQ(GCD=1-6%ISR=90-9A)\nT1(R=Y%S=A)", "T1.S " },
		{ "U1(IPL=240%RUD=I)", "" },
		{ "U1(IPL=6401)", "U1.IPL " },
		{ "T1(R=N)\nECN(R=N)\nT3(R=Y%F=AS%S=O%A=S+)", "" },
		{ "OPS(O1=M5B4%O5=%O6=)\nWIN(W5=0%W6=0)\nECN(R=Y%DF=N%W=0%O=%CC=Y%Q=RU)", "" },
		{ "SEQ(SP=100-10A%ISR=101-110%GCD=1-6)\nT1(R=Y%S=O%A=O%F=AS)", "" },
		{ "SEQ(SP=100-10A%ISR=101-110%GCD=1-6)\nT1(R=Y%S=Z%A=S+%F=AS)", "" },
		{ "OPS(O1=|M1B0NW0NNT11)\nSEQ(TS=7)", "" },
		{ "U1(IPL=164|240)", "" },
		{ "T4(R=Y%F=A%RD=12345678)", "T4.RD " },
		{ "T4(R=Y%F=R%RD=12345678)", "" },
		{ "T5(R=Y%O=M5B4S)", "T5.O " },
		{ "T5(R=Y%O=M5B4SLL)", "" },
		{ "IE(CD=O)", "IE.CD " },
		{ "SEQ(SP=9A0%GCD=1%ISR=9A3)", "SEQ.SP SEQ.ISR " },
		{ "SEQ(TS=U)\nOPS(O1=T11NN%O2=T11NN%O3=T11NN%O4=T11NN%O5=T11NN%O6=T11NN)", "SEQ.TS " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[256];

		snprintf(text, sizeof(text), "Fingerprint X\n%s\n", rows[i].line);
		struct sample *s = read_one(text);
		cJSON *json = convert_fingerprint(&s->f[0], "x");

		assert_string_equal(differences(json, &s->f[0]), rows[i].differences);
		cJSON_Delete(json);
		sample_free(&s);
	}
}

static void
replace(cJSON *json, const char *table, const char *key, const char *value)
{
	cJSON *object = cJSON_GetObjectItemCaseSensitive(json, table), *item = cJSON_Parse(value);

	assert_non_null(object);
	assert_non_null(item);
	cJSON_DeleteItemFromObjectCaseSensitive(object, key);
	cJSON_AddItemToObject(object, key, item);
}

/* The model is no rubber stamp: a personality with one wrong key isn't accepted. */
static void
the_model_sees_wrong_personalities(void **state)
{
	static const struct {
		const char *table, *key, *value, *differences;
	} rows[] = {
		{ "tcp", "ttl", "128", "ECN.T T1.T T4.T T5.T T6.T " },
		{ "tcp", "df", "false", "ECN.DF T1.DF T4.DF T5.DF T6.DF " },
		{ "tcp", "window", "14600", "WIN.W1 WIN.W2 WIN.W3 WIN.W4 WIN.W5 WIN.W6 " },
		{ "tcp", "mss", "1400", "OPS.O1 OPS.O2 OPS.O4 OPS.O5 OPS.O6 " },
		{ "tcp", "wscale", "7", "OPS.O1 OPS.O2 OPS.O4 OPS.O5 " },
		{ "tcp", "mss_of", "\"least\"", "OPS.O2 OPS.O4 OPS.O5 OPS.O6 " },
		{ "tcp", "ts_hz", "1000", "SEQ.TS " },
		{ "tcp", "ts_start", "\"random\"", "SEQ.TS " },
		{ "tcp", "ip_id", "\"increment\"", "SEQ.TI " },
		{ "tcp", "reset_ip_id", "\"zero\"", "SEQ.CI " },
		{ "tcp", "ecn", "\"both\"", "ECN.CC " },
		{ "tcp", "cases", "[]", "OPS.O3 ECN.W ECN.O " },
		{ "tcp", "cases", "[{\"answer\":\"silent\",\"ecn\":true}]", "OPS.O3 ECN.R " },
		{ "tcp", "isn", "{\"kind\":\"constant\"}", "SEQ.SP SEQ.GCD SEQ.ISR " },
		{ "tcp", "isn", "{\"kind\":\"ack\"}", "SEQ.SP SEQ.GCD SEQ.ISR T1.S " },
		{ "tcp", "answers", "{}", "T7.R " },
		{ "tcp", "answers", "{\"open_syn\":\"silent\",\"closed_fin\":\"silent\"}", "ECN.R T1.R " },
		{ "tcp", "answers", "{\"closed_fin\":\"silent\",\"closed_syn\":{\"flags\":\"R\",\"seq\":\"ack\"}}",
		    "T5.S T5.F " },
		{ "icmp", "ttl", "255", "U1.T IE.T " },
		{ "icmp", "echo", "false", "IE.R " },
		{ "icmp", "echo_df", "\"same\"", "IE.DFI " },
		{ "icmp", "echo_code", "\"zero\"", "IE.CD " },
		{ "icmp", "ip_id", "\"random\"", "SEQ.II " },
		{ "udp", "closed", "\"silent\"", "U1.R " },
		{ "udp", "quote", "8", "U1.IPL " },
		{ "udp", "unused", "1", "U1.UN " },
		{ "udp", "quoted_id", "\"swapped\"", "U1.RID " },
		{ "udp", "quoted_ip_checksum", "\"zero\"", "U1.RIPCK " },
		{ "udp", "quoted_data", "\"wrong\"", "U1.RUD " },
	};
	struct sample *s = read_one(even);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cJSON *json = convert_fingerprint(&s->f[0], "x");

		replace(json, rows[i].table, rows[i].key, rows[i].value);
		assert_string_equal(differences(json, &s->f[0]), rows[i].differences);
		cJSON_Delete(json);
	}
	sample_free(&s);
}

/* Every spread of figures gives rates that fall into it and never take a counter back. */
static void
rates_stay_within_their_figures(void **state)
{
	static const char *const gcds[] = { "1-6", "2|4|6", "64|C8", "FA00|1F400" };

	(void)state;
	for (unsigned isr = 0x40; isr < 0x110; isr += 7) {
		for (unsigned sp = 0; sp <= isr; sp += 9) {
			char text[256];

			snprintf(text, sizeof(text), "Fingerprint X\nSEQ(SP=%X-%X%%GCD=%s%%ISR=%X-%X)\n", sp, sp + 10,
			    gcds[(isr + sp) % 4], isr, isr + 10);
			struct sample *s = read_one(text);
			cJSON *json = convert_fingerprint(&s->f[0], "x");
			const cJSON *isn = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "tcp"), "isn");
			double rate = cJSON_GetObjectItem(isn, "per_second")->valuedouble;
			double deviation = cJSON_GetObjectItem(isn, "deviation")->valuedouble;
			const char *wrong = differences(json, &s->f[0]);

			assert_true(deviation <= 2 * rate);
			if (strstr(wrong, "ISR") != NULL)
				fail_msg("%s: %s", text, wrong);
			cJSON_Delete(json);
			sample_free(&s);
		}
	}
}

static void
long_and_strange_names_stay_texts(void **state)
{
	char text[600];
	int len = snprintf(text, sizeof(text), "Fingerprint \xff\"%0*d\n", 400, 0);
	struct sample *s = sample_read(text, (size_t)len, 1);
	cJSON *json = convert_fingerprint(&s->f[0], "x");

	(void)state;
	assert_true(strlen(cJSON_GetObjectItem(json, "expect")->valuestring) <= 255);
	assert_true(strlen(cJSON_GetObjectItem(json, "about")->valuestring) <= 255);
	assert_non_null(strstr(cJSON_GetObjectItem(json, "about")->valuestring, " (line 1)"));
	assert_int_equal(strncmp(cJSON_GetObjectItem(json, "expect")->valuestring, "\\xff\"0", 6), 0);
	cJSON_Delete(json);
	sample_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_even_stack_needs_few_cases),
		cmocka_unit_test(an_odd_stack_is_expressed_in_full),
		cmocka_unit_test(a_refusing_stack_has_one_answer_to_nmaps_syns),
		cmocka_unit_test(nothing_known_is_answered_as_the_rfcs_have_it),
		cmocka_unit_test(what_cannot_be_expressed_is_found),
		cmocka_unit_test(the_model_sees_wrong_personalities),
		cmocka_unit_test(rates_stay_within_their_figures),
		cmocka_unit_test(long_and_strange_names_stay_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
