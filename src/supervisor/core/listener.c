#include "core/listener.h"

#include <errno.h>
#include <string.h>

static const char ready_line[] = "READY\n";
#define READY_SIZE (sizeof ready_line - 1)

/* The word before the number is not looked at: supervisord takes any of this length. */
#define RESULT_WORD_SIZE (sizeof "RESULT " - 1)

static const char ok[] = "OK";
#define OK_SIZE (sizeof ok - 1)

/* ---- the table ---- */

enum dense { NONE, READY, BUSY, ACKNOWLEDGED, UNKNOWN, STATES };

struct cell {
	bool valid;
	struct listener_step step;
};

#define TO(state, fate) { true, { LISTENER_##state, FATE_##fate } }

static const struct cell table[STATES][LISTENER_EVENTS] = {
	[NONE] = {
		[LISTENER_STARTED] = TO(ACKNOWLEDGED, STAYS),
	},
	[ACKNOWLEDGED] = {
		[LISTENER_STARTED] = TO(ACKNOWLEDGED, STAYS),
		[LISTENER_SAYS_READY] = TO(READY, STAYS),
		[LISTENER_NOISE] = TO(UNKNOWN, STAYS),
		[LISTENER_ENDED] = TO(NONE, STAYS),
	},
	[READY] = {
		[LISTENER_STARTED] = TO(ACKNOWLEDGED, STAYS),
		[LISTENER_GIVEN] = TO(BUSY, STAYS),
		[LISTENER_NOISE] = TO(UNKNOWN, STAYS),
		[LISTENER_ENDED] = TO(NONE, STAYS),
	},
	[BUSY] = {
		[LISTENER_STARTED] = TO(ACKNOWLEDGED, REJECTED),
		[LISTENER_SAYS_OK] = TO(ACKNOWLEDGED, DONE),
		[LISTENER_SAYS_FAIL] = TO(ACKNOWLEDGED, REJECTED),
		[LISTENER_BAD_LINE] = TO(UNKNOWN, REJECTED),
		[LISTENER_BAD_RESULT] = TO(UNKNOWN, REJECTED),
		[LISTENER_ENDED] = TO(NONE, REJECTED),
	},
	[UNKNOWN] = {
		[LISTENER_STARTED] = TO(ACKNOWLEDGED, STAYS),
		[LISTENER_NOISE] = TO(UNKNOWN, STAYS),
		[LISTENER_ENDED] = TO(NONE, STAYS),
	},
};

static enum dense dense_of(enum listener_state state)
{
	switch (state) {
	case LISTENER_NONE:
		return NONE;
	case LISTENER_READY:
		return READY;
	case LISTENER_BUSY:
		return BUSY;
	case LISTENER_ACKNOWLEDGED:
		return ACKNOWLEDGED;
	case LISTENER_UNKNOWN:
		return UNKNOWN;
	}
	return STATES;
}

bool listener_step(enum listener_state state, enum listener_event event, struct listener_step *ret)
{
	enum dense row = dense_of(state);

	if (row == STATES || (unsigned)event >= LISTENER_EVENTS || !table[row][event].valid)
		return false;
	*ret = table[row][event].step;
	return true;
}

const char *listener_state_name(enum listener_state state)
{
	static const char *const names[STATES] = { "NONE", "READY", "BUSY", "ACKNOWLEDGED", "UNKNOWN" };
	enum dense row = dense_of(state);

	return row == STATES ? "?" : names[row];
}

/* ---- the scanner ---- */

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

int listener_parse_size(const char *text, size_t size, uint64_t *ret)
{
	const char *end = text + size;
	bool after_digit = false, is_negative = false;
	uint64_t value = 0;

	while (text < end && is_space(*text))
		text++;
	while (end > text && is_space(end[-1]))
		end--;
	if (text < end && (*text == '+' || *text == '-'))
		is_negative = *text++ == '-';
	for (; text < end; text++) {
		if (*text == '_' && after_digit) {
			after_digit = false;
			continue;
		}
		if (*text < '0' || *text > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			value = UINT64_MAX / 10; /* stays too large, whatever follows */
		after_digit = true;
	}
	if (!after_digit || (is_negative && value > 0))
		return -EINVAL;
	*ret = value;
	return 0;
}

static void take(struct listener *next, size_t size)
{
	next->size -= (uint32_t)size;
	memmove(next->input, next->input + size, next->size);
}

static enum listener_token take_all(struct listener *next, enum listener_token token)
{
	next->size = 0;
	return token;
}

static enum listener_token scan_ready(const struct listener *now, struct listener *next)
{
	if (now->size < READY_SIZE)
		return TOKEN_NONE;
	if (memcmp(now->input, ready_line, READY_SIZE) != 0)
		return take_all(next, TOKEN_NOISE);
	take(next, READY_SIZE);
	return TOKEN_READY;
}

static enum listener_token scan_line(const struct listener *now, struct listener *next, size_t *ret_size)
{
	const char *newline = memchr(now->input, '\n', now->size);
	size_t length = newline ? (size_t)(newline - now->input) : now->size, word = RESULT_WORD_SIZE;

	if (!newline && now->size < LISTENER_INPUT_SIZE)
		return TOKEN_NONE;
	*ret_size = length;
	if (word > length)
		word = length;
	if (!newline || listener_parse_size(now->input + word, length - word, &next->result_size) < 0)
		return take_all(next, TOKEN_BAD_LINE);
	take(next, length + 1);
	next->in_result = 1;
	next->result_left = next->result_size;
	next->differs = next->result_size != OK_SIZE;
	return TOKEN_RESULT_LINE;
}

static enum listener_token scan_result(const struct listener *now, struct listener *next, size_t *ret_size)
{
	size_t size = now->result_left < now->size ? (size_t)now->result_left : now->size;

	if (size == 0 && now->result_left > 0)
		return TOKEN_NONE;
	if (!now->differs && memcmp(now->input, ok + (OK_SIZE - now->result_left), size) != 0)
		next->differs = 1;
	take(next, size);
	next->result_left -= size;
	*ret_size = size;
	if (next->result_left > 0)
		return TOKEN_RESULT_PART;
	next->in_result = 0;
	return TOKEN_RESULT;
}

enum listener_token listener_scan(
	const struct listener *now, struct listener *next, const char **ret_part, size_t *ret_size)
{
	*next = *now;
	*ret_part = now->input;
	*ret_size = now->size;
	if (now->state == LISTENER_BUSY)
		return now->in_result ? scan_result(now, next, ret_size) : scan_line(now, next, ret_size);
	if (now->size == 0)
		return TOKEN_NONE;
	if (now->state == LISTENER_ACKNOWLEDGED)
		return scan_ready(now, next);
	return take_all(next, TOKEN_NOISE);
}

bool listener_is_ok(const struct listener *listener)
{
	return !listener->differs;
}

bool listener_is_sound(const struct listener *listener)
{
	if (dense_of(listener->state) == STATES || listener->size > LISTENER_INPUT_SIZE)
		return false;
	return !listener->in_result || (listener->result_left <= listener->result_size &&
					       (listener->differs || listener->result_size == OK_SIZE));
}
