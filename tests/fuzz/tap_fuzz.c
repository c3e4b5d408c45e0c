/* Any output, cut anywhere, comes to the same as in one piece: what is logged, and what is captured.
 *
 * The input: a byte that says how long the pieces are, and the output. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "scribe/tap.h"

struct outcome {
	char *text[FEED_KINDS]; /* by kind; what goes to the log at 0 */
	size_t size[FEED_KINDS];
};

static void append(struct outcome *outcome, unsigned kind, const char *data, size_t size)
{
	char *text = realloc(outcome->text[kind], outcome->size[kind] + size + 1);

	if (!text)
		abort();
	memcpy(text + outcome->size[kind], data, size);
	outcome->text[kind] = text;
	outcome->size[kind] += size;
}

static void drain(struct feed *feed, struct outcome *outcome)
{
	static char data[FEED_ITEM_MAX];
	uint64_t position = feed_begin(feed);
	struct feed_item item;

	while (feed_get(feed, &position, &item, data)) {
		unsigned kind = item.kind == FEED_LOG ? FEED_LOG : FEED_CAPTURE;

		append(outcome, kind, data, item.size);
		if (item.kind == FEED_CAPTURE_ENDS || item.kind == FEED_CAPTURE_DROPPED)
			append(outcome, kind, item.kind == FEED_CAPTURE_ENDS ? "|" : "~", 1);
	}
	if (position != feed_end(feed))
		abort();
	feed_taken(feed, position);
}

static void run(struct outcome *outcome, struct feed *feed, const char *data, size_t size, size_t piece)
{
	static char out[TAP_OUT_MAX];
	tap_state state = 0;
	uint64_t end;

	while (size > 0) {
		size_t n = piece < size ? piece : size;

		if (tap_room(feed, TAP_LOG | TAP_CAPTURE | TAP_COMMUNICATION) < n)
			abort();
		append(outcome, 0, out,
			tap_run(&state, TAP_LOG | TAP_CAPTURE | TAP_COMMUNICATION, 1, data, n, out, feed, &end));
		if (tap_sound(state) != state)
			abort();
		feed_commit(feed, end);
		drain(feed, outcome);
		data += n;
		size -= n;
	}
	append(outcome, 0, out, tap_finish(&state, out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole = { .size = { 0 } }, pieces = { .size = { 0 } };
	struct feed *feed;

	if (size < 2 || size > TAP_CHUNK)
		return 0;
	if (feed_new(&feed) < 0)
		abort();
	run(&whole, feed, (const char *)data + 1, size - 1, TAP_CHUNK);
	run(&pieces, feed, (const char *)data + 1, size - 1, data[0] + 1u);
	for (unsigned kind = 0; kind < FEED_KINDS; kind++) {
		if (whole.size[kind] != pieces.size[kind] ||
			(whole.size[kind] > 0 && memcmp(whole.text[kind], pieces.text[kind], whole.size[kind]) != 0))
			abort();
		free(whole.text[kind]);
		free(pieces.text[kind]);
	}
	feed_free(feed);
	return 0;
}
