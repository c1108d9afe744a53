/* delay_line - frames that leave later, because a decoy seems to be far away. Holds few: full, a frame is lost. */
#ifndef FINGERPRINTD_DELAY_LINE_H
#define FINGERPRINTD_DELAY_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct delay_line;

enum { DELAY_LINE_FRAMES = 4096, DELAY_LINE_FRAME_BYTES = 1600 };

struct delay_line *delay_line_new(uint64_t now_us);
void delay_line_free(struct delay_line **dp);
/* False: no room, or too long a frame. */
bool delay_line_add(struct delay_line *d, const void *frame, size_t len, uint64_t due_us);
/* Hands out the frames that are due, to the millisecond. */
void delay_line_advance(struct delay_line *d, uint64_t now_us, void (*send)(void *ctx, const void *frame, size_t len),
    void *ctx);
bool delay_line_empty(const struct delay_line *d);

#endif
