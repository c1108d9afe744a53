/* job_test - every way through a job's life; none leads from sending back to waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "courier/job.h"

#include <string.h>

static const struct job_policy policy = { .retry_ms = 1000, .attempts_max = 3 };

static struct job
job_in(enum job_state s)
{
	struct job j = { .state = s,
		.kind = PROBE_FIRST,
		.mark = MARK_PORT,
		.recipient = "a@b.example",
		.due_wall_ms = 500 };

	return j;
}

static const struct {
	enum job_state from;
	enum send_end end;
	enum job_state to;
} moves[] = {
	{ JOB_WAITING, SEND_ACCEPTED, JOB_SENT },
	{ JOB_WAITING, SEND_NEVER, JOB_FAILED },
	{ JOB_WAITING, SEND_LATER, JOB_WAITING },
	{ JOB_WAITING, SEND_UNSURE, JOB_UNKNOWN },
	{ JOB_SENDING, SEND_ACCEPTED, JOB_SENT },
	{ JOB_SENDING, SEND_NEVER, JOB_FAILED },
	{ JOB_SENDING, SEND_LATER, JOB_FAILED },
	{ JOB_SENDING, SEND_UNSURE, JOB_UNKNOWN },
};

static void
every_move(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
		const struct send_result r = { .end = moves[i].end,
			.reason = "why",
			.host = "mx.example",
			.reply = "550 no",
			.tls = true };
		struct job j = job_in(moves[i].from);

		job_attempted(&j, &r, &policy, 10000);
		assert_int_equal(j.state, moves[i].to);
		assert_int_equal(j.attempts, 1);
		assert_string_equal(j.reason, "why");
		assert_string_equal(j.host, "mx.example");
		assert_string_equal(j.reply, "550 no");
		assert_true(j.tls);
	}
}

static void
what_is_found_on_record(void **state)
{
	static const enum job_step steps[] = {
		[JOB_WAITING] = JOB_STEP_SEND,
		[JOB_SENDING] = JOB_STEP_GIVE_UP,
		[JOB_SENT] = JOB_STEP_TELL,
		[JOB_REFUSED] = JOB_STEP_TELL,
		[JOB_FAILED] = JOB_STEP_TELL,
		[JOB_UNKNOWN] = JOB_STEP_TELL,
	};
	uint64_t wait;

	(void)state;
	for (unsigned s = 0; s < JOB_STATES; s++) {
		struct job j = job_in((enum job_state)s);

		assert_int_equal(job_next(&j, 500, &wait), steps[s]);
		assert_int_equal(wait, 0);
	}
	struct job j = job_in(JOB_WAITING);

	assert_int_equal(job_next(&j, 499, &wait), JOB_STEP_WAIT);
	assert_int_equal(wait, 1);
}

static void
a_lost_one_stays_lost(void **state)
{
	struct job j = job_in(JOB_WAITING);
	uint64_t wait;

	(void)state;
	job_sending(&j);
	job_lost(&j);
	assert_int_equal(j.state, JOB_UNKNOWN);
	assert_string_equal(j.reason, "found-sending");
	assert_int_equal(job_next(&j, UINT64_MAX, &wait), JOB_STEP_TELL);
}

static void
waits_grow_and_attempts_end(void **state)
{
	const struct send_result later = { .end = SEND_LATER };
	struct job j = job_in(JOB_WAITING);

	(void)state;
	job_attempted(&j, &later, &policy, 10000);
	assert_int_equal(j.due_wall_ms, 11000);
	job_attempted(&j, &later, &policy, 20000);
	assert_int_equal(j.state, JOB_WAITING);
	assert_int_equal(j.due_wall_ms, 23000);
	job_attempted(&j, &later, &policy, 30000);
	assert_int_equal(j.state, JOB_FAILED);
}

static void
the_record_comes_back(void **state)
{
	char text[JOB_TEXT_MAX];
	struct job back;

	(void)state;
	for (unsigned s = 0; s < JOB_STATES; s++) {
		struct job j = job_in((enum job_state)s);

		memset(j.reply, '\x01', sizeof(j.reply) - 1); /* the longest in JSON */
		memset(j.host, '"', sizeof(j.host) - 1);
		j.attempts = 2;
		assert_true(job_format(&j, text));
		assert_true(job_parse(text, strlen(text), &back));
		assert_int_equal(back.state, j.state);
		assert_int_equal(back.kind, j.kind);
		assert_int_equal(back.mark, j.mark);
		assert_int_equal(back.attempts, 2);
		assert_int_equal(back.due_wall_ms, 500);
		assert_string_equal(back.recipient, j.recipient);
		assert_string_equal(back.reply, j.reply);
		assert_string_equal(back.host, j.host);
		for (size_t len = 0; len < strlen(text); len++)
			assert_false(job_parse(text, len, &back));
	}
}

static void
other_versions_are_left_alone(void **state)
{
	static const char *const texts[] = { "", "{}", "[]", "1", "{\"version\":2}",
		"{\"version\":1,\"state\":\"sent\"}" };
	struct job back;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(job_parse(texts[i], strlen(texts[i]), &back));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_move),
		cmocka_unit_test(what_is_found_on_record),
		cmocka_unit_test(a_lost_one_stays_lost),
		cmocka_unit_test(waits_grow_and_attempts_end),
		cmocka_unit_test(the_record_comes_back),
		cmocka_unit_test(other_versions_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
