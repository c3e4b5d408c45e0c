/* What of a stream is to be events: its output, piece by piece, and what is captured, between
 *
 *	<!--XSUPERVISOR:BEGIN-->  and  <!--XSUPERVISOR:END-->
 *
 * which does not go to the log. The marks may be cut anywhere between two reads. Where one process of a program has
 * ended the core writes <!--XSUPERVISOR:RESET--> into the pipe: what follows is another one's, and begins outside.
 *
 * Pure but for the feed, into which all of one call goes at once. */
#ifndef SCRIBE_TAP_H
#define SCRIBE_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/feed.h"
#include "board/messages.h"

/* The most that is taken in at once, and what may come out of that: a mark that was held back comes before it. */
#define TAP_CHUNK 32000
#define TAP_OUT_MAX FEED_ITEM_MAX
#define TAP_HELD_MAX 32

/* Where in the text a stream is; 0 is the beginning of one. */
typedef uint8_t tap_state;

/* One that can be; anything else is 0. */
tap_state tap_sound(tap_state state);

/* What may be read from the stream now: TAP_CHUNK, or 0: the feed has no room for what may come of it. */
size_t tap_room(struct feed *feed, unsigned taps);

/* Take in `size` bytes (at most TAP_CHUNK); what goes to the log is written to `out`, with room for TAP_OUT_MAX.
 * Returns how many bytes that is. `taps`: TAP_... of board/messages.h. `feed`: NULL, or where events go; what has
 * gone there is to be made known with feed_commit(*ret_end). */
size_t tap_run(tap_state *state, unsigned taps, uint32_t stream, const char *in, size_t size, char *out,
	struct feed *feed, uint64_t *ret_end);

/* The stream ends here: what of a mark is held back goes to `out`, with room for TAP_HELD_MAX. Returns how many. */
size_t tap_finish(tap_state *state, char *out);

#endif
