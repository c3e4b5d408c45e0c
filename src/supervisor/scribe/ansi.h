/* Taking ANSI escape sequences out of a stream of bytes, as supervisord's strip_ansi has it: everything from
 * ESC `[` to the next of `H f A B C D R s u J K h l p m`, both included. Unlike there, a sequence may be cut
 * anywhere between two calls.
 *
 * Pure: no I/O, no allocation. */
#ifndef SCRIBE_ANSI_H
#define SCRIBE_ANSI_H

#include <stddef.h>

/* Where in the text the stream is; 0 is the beginning of one. */
enum ansi_state {
	ANSI_TEXT,
	ANSI_ESCAPE,   /* an ESC that is not told yet: what follows decides */
	ANSI_SEQUENCE, /* inside: told is nothing until the terminator has passed */
};

/* Strip `size` bytes of `in` to `out`, which has room for size + 1 (an ESC that was held back may come first)
 * and is other memory. Returns how many were written. */
size_t ansi_strip(enum ansi_state *state, const char *in, size_t size, char *out);

/* The stream ends here: what is still held back goes to `out`, with room for 1. Returns how many. */
size_t ansi_finish(enum ansi_state *state, char *out);

#endif
