#include "relaytrap/smtp_message.h"

#include "relaytrap/look.h"

#include <ctype.h>
#include <string.h>

void
smtp_message_init(struct smtp_message *m, unsigned rules)
{
	memset(m, 0, sizeof(*m));
	m->rules = rules;
	m->place = SMTP_AT_LINE;
}

/* A line begins: is it the end of the header, a folded line, or another field? */
static void
begin_header_line(struct smtp_message *m, uint8_t c)
{
	if (c == '\r' || c == '\n') {
		m->in_body = true;
		return;
	}
	m->colon = false;
	m->folded = c == ' ' || c == '\t';
	if (!m->folded) {
		m->in_subject = false;
		m->header_known = m->subject_len > 0; /* the first Subject counts */
	}
}

/* Watches the header until the empty line; folded lines are joined (RFC 5322 2.2.3). */
static void
watch_header(struct smtp_message *m, uint8_t c)
{
	if (m->in_body)
		return;
	if (m->column == 0)
		begin_header_line(m, c);
	if (c == '\n') {
		m->headless = m->in_body = !m->colon && !m->folded;
		m->column = 0;
		return;
	}
	m->colon = m->colon || c == ':';
	if (m->in_subject && c != '\r' && m->subject_len < sizeof(m->subject) && (m->subject_len > 0 || c != ' '))
		m->subject[m->subject_len++] = (char)c;
	if (m->column < 8) {
		m->name[m->column] = (char)tolower(c);
		if (m->column == 7 && !m->header_known && memcmp(m->name, "subject:", 8) == 0)
			m->in_subject = true;
		if (m->column == 7 && memcmp(m->name, "received", 8) == 0)
			m->hops++;
	}
	m->column++;
}

static void
note(struct smtp_message *m, uint8_t c)
{
	watch_header(m, c);
	m->bare_lfs += c == '\n' && m->last != '\r';
	m->nul = m->nul || c == '\0';
	m->last = c;
	m->size++;
}

static void
emit(struct smtp_message *m, uint8_t c, uint8_t *out, size_t *out_len)
{
	note(m, c);
	out[(*out_len)++] = c;
}

/*
 * How many octets from here are plain: in the body nothing watches those that
 * are no CR, LF or NUL, and they move no state but the last octet and the size.
 */
static size_t
plain_run(const struct smtp_message *m, const uint8_t *input, size_t len)
{
	static const uint8_t marks[] = { '\r', '\n', '\0' };

	if (!m->in_body)
		return 0;
	for (size_t i = 0; i < sizeof(marks); i++) {
		const uint8_t *mark = memchr(input, marks[i], len);

		len = mark == NULL ? len : (size_t)(mark - input);
	}
	return len;
}

static void
note_run(struct smtp_message *m, const uint8_t *input, size_t len)
{
	m->last = input[len - 1];
	m->size += len;
}

static enum smtp_message_place
after(const struct smtp_message *m, uint8_t c, bool behind_cr)
{
	if (c == '\r')
		return SMTP_AT_CR;
	return c == '\n' && (behind_cr || (m->rules & LOOK_DATA_LF_ENDS) != 0) ? SMTP_AT_LINE : SMTP_IN_LINE;
}

/* A line that began with ".": CR LF ends the message; where LF ends lines, so do LF and CR CR LF. */
static bool
behind_dot(struct smtp_message *m, uint8_t c)
{
	bool lf_ends = (m->rules & LOOK_DATA_LF_ENDS) != 0;

	if (c == '\n' && (m->held_crs > 0 || lf_ends)) {
		m->place = SMTP_AT_END;
		return true;
	}
	if (c == '\r' && (m->held_crs == 0 || (lf_ends && m->held_crs < SMTP_HELD_CRS_MAX))) {
		m->held_crs++;
		m->place = SMTP_AT_DOT;
		return true;
	}
	return false;
}

/* CR without LF, LF without CR: where the look gives up. */
static bool
is_bare(const struct smtp_message *m, uint8_t c)
{
	if ((m->rules & LOOK_DATA_BARE_REFUSED) == 0)
		return false;
	return (m->place == SMTP_AT_CR) != (c == '\n');
}

/* Where the first line decides, its end does. */
static void
decide_rules(struct smtp_message *m, bool behind_cr)
{
	if ((m->rules & LOOK_DATA_FIRST_LINE) == 0)
		return;
	m->rules &= ~(unsigned)LOOK_DATA_FIRST_LINE;
	if (!behind_cr)
		m->rules |= LOOK_DATA_LF_ENDS;
}

static void
take(struct smtp_message *m, uint8_t c, uint8_t *out, size_t *out_len)
{
	if (c == '\n')
		decide_rules(m, m->place == SMTP_AT_CR || (m->place == SMTP_AT_DOT && m->held_crs > 0));
	if (m->place == SMTP_AT_LINE && c == '.') {
		m->place = SMTP_AT_DOT;
		m->held_crs = 0;
		return;
	}
	bool behind_cr = m->place == SMTP_AT_CR;

	if (m->place == SMTP_AT_DOT) {
		if (behind_dot(m, c))
			return;
		behind_cr = m->held_crs > 0;
		for (; m->held_crs > 0; m->held_crs--)
			emit(m, '\r', out, out_len);
		m->place = behind_cr ? SMTP_AT_CR : SMTP_IN_LINE;
	}
	if (is_bare(m, c)) {
		m->bare = m->place == SMTP_AT_CR ? '\r' : '\n';
		m->place = SMTP_AT_BARE;
		return;
	}
	emit(m, c, out, out_len);
	m->place = after(m, c, behind_cr);
}

void
smtp_message_chunk(struct smtp_message *m, const uint8_t *data, size_t len)
{
	for (size_t i = 0, run; i < len; i += run) {
		run = plain_run(m, data + i, len - i);
		if (run > 0) {
			note_run(m, data + i, run);
		} else {
			note(m, data[i]);
			run = 1;
		}
	}
}

size_t
smtp_message_input(struct smtp_message *m, const uint8_t *input, size_t len, uint8_t *out, size_t *out_len)
{
	size_t i = 0;

	*out_len = 0;
	while (i < len && m->place != SMTP_AT_END && m->place != SMTP_AT_BARE) {
		size_t run = m->place == SMTP_IN_LINE ? plain_run(m, input + i, len - i) : 0;

		if (run == 0) {
			take(m, input[i++], out, out_len);
			continue;
		}
		note_run(m, input + i, run);
		memcpy(out + *out_len, input + i, run);
		*out_len += run;
		i += run;
	}
	return i;
}

uint64_t
smtp_message_wire_size(const struct smtp_message *m)
{
	return m->size + m->bare_lfs + (m->last == '\n' ? 0 : 2);
}

bool
smtp_message_headless(const struct smtp_message *m)
{
	return m->headless || (!m->in_body && m->column > 0 && !m->colon && !m->folded);
}
