/* binding_test - words behind a look's name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relaytrap/binding.h"

#include <string.h>

static void
words_say_what_a_port_is(void **state)
{
	static const struct {
		const char *look, *asked;
		const char *name;
		bool tls, mx;
	} rows[] = {
		{ "", "", "postfix", false, false },
		{ "sendmail", "", "sendmail", false, false },
		{ "sendmail/tls", "", "sendmail", true, false },
		{ "postfix/mx", "", "postfix", false, true },
		{ "postfix/mx/tls", "", "postfix", true, true },
		{ "sendmail/tls/mx/later", "", "sendmail", true, true },
		{ "/tls", "", "postfix", false, false },
		{ "nobody/tls", "", "postfix", true, false },
		{ "sendmail", "mx.example:465", "sendmail", true, false },
		{ "sendmail", "mx.example:25", "sendmail", false, false },
		{ "sendmail", "mx.example:4650", "sendmail", false, false },
		{ "sendmail", ":465", "sendmail", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct flow_info flow;

		memset(&flow, 0, sizeof(flow));
		strcpy(flow.look, rows[i].look);
		strcpy(flow.asked, rows[i].asked);
		struct binding b = binding_parse(&flow);
		assert_string_equal(b.look->name, rows[i].name);
		assert_int_equal(b.implicit_tls, rows[i].tls);
		assert_int_equal(b.mx, rows[i].mx);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(words_say_what_a_port_is) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
