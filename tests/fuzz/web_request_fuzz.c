/* web_request_fuzz - the request check and the answer to it under any bytes, with each look. */
#include "webtrap/page.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_span(struct span s, const uint8_t *data, size_t size)
{
	const uint8_t *at = (const uint8_t *)s.at;

	assert(s.at == NULL || (at >= data && at + s.len <= data + size));
}

static void
check_answer(const struct page_answer *a)
{
	char head[PAGE_ANSWER_HEAD_MAX];
	size_t len = page_head_format(a, head);

	assert(a->body_len <= sizeof(a->body) && len < sizeof(head));
	for (size_t i = 0; i < a->field_count; i++)
		assert(strpbrk(a->fields[i].value, "\r\n") == NULL);
	assert(memchr(head, '\0', len) == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "apache", "nginx", "iis" };
	static const struct site_key key = { "0123456789abcdef", 16 };
	const struct endpoint decoy = { addr_from_v4(0xcb00710c), 80 };
	const struct addr visitor = addr_from_v4(0xc6336407);
	static struct page_answer answer;
	struct page_site site;
	struct request r;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		page_site_init(&site, look_find(names[i]), &key, &decoy, "example.net");
		enum request_verdict v = request_check(&site.look->rules, data, size, &r);

		check_span(r.line, data, size);
		check_span(r.method, data, size);
		check_span(r.target, data, size);
		check_span(r.host, data, size);
		assert(r.head_len <= size);
		assert((r.head_len > 0) == (v == REQUEST_OK || v == REQUEST_SIMPLE));
		assert(v != REQUEST_MORE || size < REQUEST_HEAD_MAX);
		page_answer(&site, &r, v == REQUEST_MORE ? REQUEST_LATE : v, &visitor, 1700000000000, &answer);
		check_answer(&answer);
	}
	return 0;
}
