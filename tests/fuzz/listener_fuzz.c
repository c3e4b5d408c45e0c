/* A listener that says anything, in any pieces: its state stays sound, every token takes something off, and an event is
 * settled only by one that is busy.
 *
 * The input: a byte that says how many of the following ones come at once, and so on. */
#include <stdlib.h>
#include <string.h>

#include "core/listener.h"
#include "fuzz/fuzz.h"

static enum listener_event event_of(enum listener_token token, const struct listener *listener)
{
	switch (token) {
	case TOKEN_READY:
		return LISTENER_SAYS_READY;
	case TOKEN_RESULT:
		return listener_is_ok(listener) ? LISTENER_SAYS_OK : LISTENER_SAYS_FAIL;
	case TOKEN_BAD_LINE:
		return LISTENER_BAD_LINE;
	case TOKEN_NOISE:
		return LISTENER_NOISE;
	default:
		return LISTENER_EVENTS;
	}
}

static void hear(struct listener *now)
{
	for (;;) {
		struct listener next;
		struct listener_step step;
		const char *part;
		size_t size;
		enum listener_token token = listener_scan(now, &next, &part, &size);

		if (token == TOKEN_NONE)
			break;
		if (next.size > now->size || (next.size == now->size && next.in_result == now->in_result) ||
			part < now->input || part + size > now->input + sizeof now->input)
			abort();
		if (listener_step((enum listener_state)now->state, event_of(token, &next), &step)) {
			if ((step.fate != FATE_STAYS) != (now->state == LISTENER_BUSY))
				abort();
			next.state = step.to;
			next.in_result = step.to == LISTENER_BUSY ? next.in_result : 0;
		}
		*now = next;
		if (!listener_is_sound(now))
			abort();
		if (now->state == LISTENER_READY && now->size == 0)
			now->state = LISTENER_BUSY; /* it is given an event */
	}
	if (now->size == LISTENER_INPUT_SIZE)
		abort(); /* no room for what would make sense of it */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct listener listener = { .state = LISTENER_ACKNOWLEDGED };

	while (size > 1) {
		size_t count = data[0] + 1u;

		if (count > size - 1)
			count = size - 1;
		if (count > LISTENER_INPUT_SIZE - listener.size)
			count = LISTENER_INPUT_SIZE - listener.size;
		memcpy(listener.input + listener.size, data + 1, count);
		listener.size += (uint32_t)count;
		hear(&listener);
		data += 1 + count;
		size -= 1 + count;
	}
	return 0;
}
