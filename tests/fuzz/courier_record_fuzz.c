/*
 * courier_record_fuzz - what the bus gives the courier: an event, a job, a drop-box, a count, an address.  A job
 * that is taken comes back the same; an address that is allowed can't end an SMTP command.
 */
#include "courier/deny.h"
#include "courier/dropbox.h"
#include "courier/job.h"
#include "courier/quota.h"
#include "courier/trace.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
try_event(const char *text, size_t len)
{
	static struct relay_mail m;
	char trace[TRACE_MAX];
	const char *error;

	if (!relay_mail_parse(text, len, &m, &error))
		return;
	trace_format(&m, "a@b.example", 0, trace);
	/* One field: every line but the first begins with a blank. */
	for (const char *end = strchr(trace, '\n'); end[1] != '\0'; end = strchr(end + 1, '\n'))
		assert(end[1] == '\t' && end[-1] == '\r');
}

static void
try_job(const char *text, size_t len)
{
	char again[JOB_TEXT_MAX];
	struct job job, back;

	if (!job_parse(text, len, &job))
		return;
	assert(job_format(&job, again));
	assert(job_parse(again, strlen(again), &back));
	assert(back.state == job.state && back.attempts == job.attempts && strcmp(back.reply, job.reply) == 0);
}

static void
try_address(const char *text)
{
	static struct deny deny;

	if (deny_recipient(&deny, text) == NULL || deny_sender_valid(text)) {
		for (; *text != '\0'; text++)
			assert(*text > ' ' && *text < 0x7f && *text != '<' && *text != '>' && *text != '\\');
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1), next[QUOTA_VALUE_MAX];
	struct dropbox box;

	if (text == NULL)
		abort();
	memcpy(text, data, len);
	text[len] = '\0';
	try_event(text, len);
	try_job(text, len);
	try_address(text);
	dropbox_parse(text, &box);
	if (quota_next(text, "m1", 5, next) == QUOTA_COUNT)
		assert(strlen(next) == strlen("1 m1") && next[0] >= '1' && next[0] <= '5');
	free(text);
	return 0;
}
