#include "webtrap/body.h"

#include <string.h>

enum { SIZE_DIGITS_MAX = 15, TRAILERS_MAX = REQUEST_FIELDS_MAX };

void
body_init(struct body *b, const struct request_rules *rules, const struct request *req)
{
	*b = (struct body){
		.state = req->chunked ? BODY_SIZE : BODY_OCTETS,
		.lf_alone = rules->lf_alone,
		.left = req->chunked ? 0 : req->length,
	};
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
enter(struct body *b, enum body_state state)
{
	b->state = state;
	b->line_len = 0;
	b->cr = false;
}

static enum body_result
end_of_line(struct body *b)
{
	bool empty = b->line_len == 0;

	if (!b->cr && !b->lf_alone)
		return BODY_BAD;
	switch (b->state) {
	case BODY_SIZE:
	case BODY_EXTENSION:
		if (b->state == BODY_SIZE && empty)
			return BODY_BAD;
		enter(b, b->left > 0 ? BODY_CHUNK : BODY_TRAILER);
		return BODY_MORE;
	case BODY_CHUNK_END:
		enter(b, BODY_SIZE);
		return BODY_MORE;
	default:
		enter(b, BODY_TRAILER);
		if (empty)
			return BODY_DONE;
		return ++b->trailers > TRAILERS_MAX ? BODY_BAD : BODY_MORE;
	}
}

static enum body_result
add_digit(struct body *b, char c)
{
	int value = hex_value(c);

	if (value < 0) {
		if (b->line_len == 0 || (c != ';' && c != ' ' && c != '\t'))
			return BODY_BAD;
		enter(b, BODY_EXTENSION);
		return BODY_MORE;
	}
	b->left = b->line_len == 0 ? (uint64_t)value : b->left * 16 + (uint64_t)value;
	return ++b->line_len > SIZE_DIGITS_MAX ? BODY_BAD : BODY_MORE;
}

/* A byte of framing. */
static enum body_result
add_byte(struct body *b, char c)
{
	if (c == '\n')
		return end_of_line(b);
	if (b->cr)
		return BODY_BAD;
	b->cr = c == '\r';
	if (b->cr)
		return BODY_MORE;
	if (b->state == BODY_CHUNK_END)
		return BODY_BAD;
	if (b->state == BODY_SIZE)
		return add_digit(b, c);
	return ++b->line_len > REQUEST_LINE_MAX ? BODY_BAD : BODY_MORE;
}

static size_t
pass(struct body *b, size_t len)
{
	size_t n = len < b->left ? len : (size_t)b->left;

	b->left -= n;
	b->bytes += n;
	if (b->left == 0 && b->state == BODY_CHUNK)
		enter(b, BODY_CHUNK_END);
	return n;
}

enum body_result
body_input(struct body *b, const void *data, size_t len, size_t *used)
{
	enum body_result result = b->state == BODY_OCTETS && b->left == 0 ? BODY_DONE : BODY_MORE;
	const char *bytes = data;
	size_t at = 0;

	while (result == BODY_MORE && at < len) {
		if (b->state == BODY_OCTETS || b->state == BODY_CHUNK) {
			at += pass(b, len - at);
			result = b->state == BODY_OCTETS && b->left == 0 ? BODY_DONE : BODY_MORE;
		} else {
			result = add_byte(b, bytes[at++]);
		}
	}
	*used = at;
	return result;
}
