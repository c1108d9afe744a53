#include "relaytrap/smtp_message.h"

#include <ctype.h>
#include <string.h>

void
smtp_message_init(struct smtp_message *m)
{
	memset(m, 0, sizeof(*m));
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
	if (c != ' ' && c != '\t') {
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
		m->column = 0;
		return;
	}
	if (m->in_subject && c != '\r' && m->subject_len < sizeof(m->subject) && (m->subject_len > 0 || c != ' '))
		m->subject[m->subject_len++] = (char)c;
	if (m->column < 8) {
		m->name[m->column] = (char)tolower(c);
		if (m->column == 7 && !m->header_known && memcmp(m->name, "subject:", 8) == 0)
			m->in_subject = true;
	}
	m->column++;
}

static void
emit(struct smtp_message *m, uint8_t c, uint8_t *out, size_t *out_len)
{
	watch_header(m, c);
	out[(*out_len)++] = c;
	m->size++;
}

static enum smtp_message_place
after(uint8_t c, bool behind_cr)
{
	if (c == '\r')
		return SMTP_AT_CR;
	return c == '\n' && behind_cr ? SMTP_AT_LINE : SMTP_IN_LINE;
}

static void
take(struct smtp_message *m, uint8_t c, uint8_t *out, size_t *out_len)
{
	switch (m->place) {
	case SMTP_AT_LINE:
		if (c == '.') {
			m->place = SMTP_AT_DOT;
			return;
		}
		break;
	case SMTP_AT_DOT:
		if (c == '\r') {
			m->place = SMTP_AT_DOT_CR;
			return;
		}
		break;
	case SMTP_AT_DOT_CR:
		if (c == '\n') {
			m->place = SMTP_AT_END;
			return;
		}
		emit(m, '\r', out, out_len);
		m->place = SMTP_AT_CR;
		break;
	case SMTP_AT_CR:
	case SMTP_IN_LINE:
	case SMTP_AT_END:
		break;
	}
	bool behind_cr = m->place == SMTP_AT_CR;

	emit(m, c, out, out_len);
	m->place = after(c, behind_cr);
}

size_t
smtp_message_input(struct smtp_message *m, const uint8_t *input, size_t len, uint8_t *out, size_t *out_len)
{
	size_t i = 0;

	*out_len = 0;
	while (i < len && m->place != SMTP_AT_END)
		take(m, input[i++], out, out_len);
	return i;
}
