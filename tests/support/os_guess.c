/*
 * os_guess FILE - says of each IP packet on standard input (a line of
 * hexadecimal) what os_observe and os_signature make of it: the raw signature,
 * label, generic, fuzzy and distance, with tabs between them; or "no SYN".
 */
#include "fingerprintd/os_signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 4 * 1024 * 1024, PACKET_MAX = 2048 };

static void
report(void *ctx, size_t line, const char *why)
{
	(void)ctx;
	fprintf(stderr, "line %zu: %s\n", line, why);
}

static struct os_signatures *
load(const char *file)
{
	struct os_signatures *s = os_signatures_new();
	char *text = malloc(FILE_MAX);
	FILE *f = fopen(file, "re");

	if (text == NULL || f == NULL) {
		perror(file);
		exit(2);
	}
	os_signatures_add(s, text, fread(text, 1, FILE_MAX, f), report, NULL);
	fclose(f);
	free(text);
	return s;
}

static size_t
unhex(const char *line, uint8_t out[PACKET_MAX])
{
	size_t len = 0;
	unsigned byte;

	while (len < PACKET_MAX && sscanf(line + 2 * len, "%2x", &byte) == 1)
		out[len++] = (uint8_t)byte;
	return len;
}

static void
say(const struct os_signatures *s, const uint8_t *packet, size_t len)
{
	struct os_guess guess = { .label = "" };
	struct os_observation o;
	char text[OS_TEXT_MAX];

	if (!os_observe(packet, len, &o)) {
		puts("no SYN");
		return;
	}
	os_signatures_match(s, &o, &guess);
	printf("%s\t%s\t%d\t%d\t%d\n", os_observation_format(&o, text), guess.label, guess.generic, guess.fuzzy,
	    guess.distance);
}

int
main(int argc, char **argv)
{
	char line[2 * PACKET_MAX + 2];
	uint8_t packet[PACKET_MAX];

	if (argc != 2) {
		fprintf(stderr, "usage: os_guess FILE < PACKETS\n");
		return 2;
	}
	struct os_signatures *s = load(argv[1]);

	while (fgets(line, sizeof(line), stdin) != NULL)
		say(s, packet, unhex(line, packet));
	os_signatures_free(&s);
	return 0;
}
