#include "scribe/tap.h"

#include <string.h>

/* Marks differ after this; outside a capture, "END" is text, and "BEGIN" is inside. */
static const char prefix[] = "<!--XSUPERVISOR:";
#define PREFIX_SIZE (sizeof prefix - 1)

enum mark { BEGIN, END, RESET, MARKS };

static const struct {
	const char *text;
	size_t size;
} marks[MARKS] = {
	[BEGIN] = { "<!--XSUPERVISOR:BEGIN-->", 24 },
	[END] = { "<!--XSUPERVISOR:END-->", 22 },
	[RESET] = { TAP_RESET_MARK, sizeof TAP_RESET_MARK - 1 },
};

/* A state is one byte: inside a capture or not, how much of a mark has passed, and is it RESET's? */
#define INSIDE 0x80u
#define IS_RESET 0x40u
#define MATCHED 0x3fu

static enum mark mark_of(tap_state state)
{
	return state & IS_RESET ? RESET : state & INSIDE ? END : BEGIN;
}

tap_state tap_sound(tap_state state)
{
	size_t matched = state & MATCHED;

	if (matched >= marks[mark_of(state)].size || (state & IS_RESET && matched <= PREFIX_SIZE))
		return 0;
	return state;
}

size_t tap_room(struct feed *feed, unsigned taps)
{
	/* At worst every byte goes twice, and every mark begins an item in each way. */
	size_t items = 3 * (TAP_CHUNK / marks[END].size + 2);

	if (!(taps & (TAP_LOG | TAP_COMMUNICATION)) || !feed)
		return TAP_CHUNK;
	return feed_has_room(feed, feed_cost((size_t)2 * TAP_OUT_MAX, items)) ? TAP_CHUNK : 0;
}

struct run {
	unsigned taps;
	uint32_t stream;
	struct feed *feed; /* NULL: nothing goes there */
	uint64_t end;
	char *out; /* what goes to the log, and where its last piece begins */
	size_t out_size, out_from;
	size_t captured;
	char capture[TAP_OUT_MAX]; /* the piece that is being captured */
};

static void put(struct run *run, enum feed_kind kind, const char *data, size_t size)
{
	if (run->feed)
		run->end = feed_put(run->feed, run->end, kind, run->stream, data, size);
}

/* A piece ends here: the text changes sides, or there is no more. */
static void end_piece(struct run *run)
{
	size_t size = run->out_size - run->out_from;

	if (size > 0 && run->taps & TAP_LOG)
		put(run, FEED_LOG, run->out + run->out_from, size);
	run->out_from = run->out_size;
	if (run->captured > 0 && run->taps & TAP_LOG)
		put(run, FEED_LOG, run->capture, run->captured);
	if (run->captured > 0 && run->taps & TAP_COMMUNICATION)
		put(run, FEED_CAPTURE, run->capture, run->captured);
	run->captured = 0;
}

static void add(struct run *run, bool inside, const char *data, size_t size)
{
	char *to = inside ? run->capture + run->captured : run->out + run->out_size;

	memcpy(to, data, size);
	if (inside)
		run->captured += size;
	else
		run->out_size += size;
}

/* A whole mark has passed. */
static void take_mark(struct run *run, tap_state *state)
{
	enum mark mark = mark_of(*state);
	bool was_inside = *state & INSIDE;

	end_piece(run);
	if (was_inside && run->taps & TAP_COMMUNICATION)
		put(run, mark == END ? FEED_CAPTURE_ENDS : FEED_CAPTURE_DROPPED, "", 0);
	*state = mark == BEGIN ? INSIDE : 0;
}

/* The next byte belongs to the mark that is passing, or none of it was one. Returns whether it does. */
static bool match(struct run *run, tap_state *state, char c)
{
	size_t matched = *state & MATCHED;

	if (matched == PREFIX_SIZE && c == marks[RESET].text[PREFIX_SIZE])
		*state |= IS_RESET;
	if (c == marks[mark_of(*state)].text[matched]) {
		*state = (tap_state)((*state & ~MATCHED) | (matched + 1));
		if (matched + 1 == marks[mark_of(*state)].size)
			take_mark(run, state);
		return true;
	}
	add(run, *state & INSIDE, marks[mark_of(*state)].text, matched);
	*state &= INSIDE;
	return false;
}

/* Text up to where a mark may begin. Returns how much. */
static size_t take_text(struct run *run, tap_state state, const char *in, size_t size)
{
	const char *start = memchr(in, prefix[0], size);
	size_t length = start ? (size_t)(start - in) : size;

	add(run, state & INSIDE, in, length);
	return length;
}

size_t tap_run(tap_state *state, unsigned taps, uint32_t stream, const char *in, size_t size, char *out,
	struct feed *feed, uint64_t *ret_end)
{
	static struct run run;

	run.taps = taps;
	run.stream = stream;
	run.feed = feed;
	run.end = feed ? feed_end(feed) : 0;
	run.out = out;
	run.out_size = run.out_from = run.captured = 0;
	if (!(taps & TAP_CAPTURE))
		add(&run, false, in, size);
	for (size_t i = 0; taps & TAP_CAPTURE && i < size;) {
		if (!(*state & MATCHED))
			i += take_text(&run, *state, in + i, size - i);
		while (i < size && (*state & MATCHED || in[i] == prefix[0]) && match(&run, state, in[i])) {
			i++;
			if (!(*state & MATCHED))
				break;
		}
	}
	end_piece(&run);
	*ret_end = run.end;
	return run.out_size;
}

size_t tap_finish(tap_state *state, char *out)
{
	size_t held = *state & INSIDE ? 0 : *state & MATCHED;

	memcpy(out, marks[mark_of(*state)].text, held);
	*state = 0;
	return held;
}
