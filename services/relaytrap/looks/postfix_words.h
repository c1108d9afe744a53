/*
 * postfix_words - how Postfix cuts a command line into words, and which
 * addresses it takes (observed from running servers).  Pure text.
 */
#ifndef RELAYTRAP_LOOKS_POSTFIX_WORDS_H
#define RELAYTRAP_LOOKS_POSTFIX_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum { POSTFIX_WORDS_MAX = 64 };

struct postfix_words {
	struct postfix_word {
		const char *text; /* ends with NUL */
		bool bad; /* an address whose brackets or quotes don't close, or with something right behind them */
	} at[POSTFIX_WORDS_MAX];
	size_t count;
	char *room;
};

/* Cuts arg; room must hold twice its length and POSTFIX_WORDS_MAX more. More words than fit are dropped. */
void postfix_words_cut(struct postfix_words *w, const char *arg, char *room);

/* "<a@b>" or "a@b" to "a@b"; false: Postfix calls it bad syntax. out holds as much as text. */
bool postfix_address(const char *text, bool empty_allowed, bool utf8, char *out);

#endif
