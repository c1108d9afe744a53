#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/reader.h"
#include "fingerprintd/fragments.h"

#include <string.h>

struct piece {
	uint16_t offset, len;
	bool more;
};

static uint8_t payload[65536];

static struct packet_ip
header(const struct piece *p, uint16_t id)
{
	return (struct packet_ip){
		.source = addr_from_v4(0xc6336401),
		.destination = addr_from_v4(0xcb00710a),
		.protocol = PACKET_IP_ICMP,
		.ttl = 60,
		.id = id,
		.more = p->more,
		.offset = p->offset,
	};
}

static enum fragments_result
feed(struct fragments *f, const struct piece *p, uint16_t id, uint64_t now_us, const uint8_t **packet, size_t *len)
{
	struct packet_ip ip = header(p, id);

	return fragments_input(f, &ip, payload + p->offset, p->len, now_us, packet, len);
}

static void
stories_of_pieces(void **state)
{
	static const struct {
		const char *story;
		struct piece pieces[6];
		const char *results; /* m(ore) w(hole) r(efused) */
		size_t total;
	} rows[] = {
		{ "in order", { { 0, 16, true }, { 16, 8, true }, { 24, 3, false } }, "mmw", 27 },
		{ "last first", { { 16, 5, false }, { 8, 8, true }, { 0, 8, true } }, "mmw", 21 },
		{ "overlapping spoils it, and begins anew", { { 0, 16, true }, { 8, 16, true }, { 16, 1, false } },
		    "mrm", 0 },
		{ "the same again is an overlap", { { 0, 8, true }, { 0, 8, true } }, "mr", 0 },
		{ "odd length in the middle", { { 0, 9, true } }, "r", 0 },
		{ "empty", { { 0, 0, true } }, "r", 0 },
		{ "beyond the end that was said", { { 8, 4, false }, { 16, 8, true } }, "mr", 0 },
		{ "two ends", { { 8, 4, false }, { 24, 4, false } }, "mr", 0 },
		{ "an end within what is there", { { 8, 8, true }, { 0, 4, false } }, "mr", 0 },
		{ "the ping of death", { { 65528, 100, false } }, "r", 0 },
		{ "larger than we put together", { { 0, 8192, true }, { 8192, 8, false } }, "mr", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fragments *f = fragments_new();
		const uint8_t *packet = NULL;
		size_t len = 0;

		for (size_t k = 0; rows[i].results[k] != '\0'; k++) {
			enum fragments_result r = feed(f, &rows[i].pieces[k], 7, 0, &packet, &len);

			if ("mwr"[r] != rows[i].results[k])
				fail_msg("%s: piece %zu gave %c", rows[i].story, k, "mwr"[r]);
		}
		if (rows[i].total > 0) {
			struct packet_ip ip;
			struct reader r;

			reader_init(&r, packet, len);
			assert_true(packet_ip_parse(&r, &ip) && ip.checksum_ok && !packet_ip_is_fragment(&ip));
			assert_int_equal(reader_left(&r), rows[i].total);
			assert_memory_equal(r.at, payload, rows[i].total);
		}
		fragments_free(&f);
	}
}

static void
old_pieces_make_room(void **state)
{
	static const struct piece first = { 0, 8, true };
	struct fragments *f = fragments_new();
	const uint8_t *packet;
	size_t len;

	(void)state;
	for (uint16_t id = 0; id < FRAGMENTS_PACKETS_MAX; id++)
		assert_int_equal(feed(f, &first, id, 0, &packet, &len), FRAGMENTS_MORE);
	assert_int_equal(feed(f, &first, 1000, FRAGMENTS_TIME_US, &packet, &len), FRAGMENTS_REFUSED);
	assert_int_equal(feed(f, &first, 1000, FRAGMENTS_TIME_US + 1, &packet, &len), FRAGMENTS_MORE);
	fragments_free(&f);
}

static int
fill(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7 + i / 256);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stories_of_pieces),
		cmocka_unit_test(old_pieces_make_room),
	};

	return cmocka_run_group_tests(tests, fill, NULL);
}
