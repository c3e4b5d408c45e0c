#include "core/event_text.h"

#include <inttypes.h>
#include <string.h>

#include "text/unicode.h"

enum event_type event_type_of_state(enum process_state state)
{
	switch (state) {
#define PROCESS_STATE(name, number)                                                                \
	case STATE_##name:                                                                         \
		return EVENT_PROCESS_STATE_##name;
#include "board/states.def"
#undef PROCESS_STATE
	}
	return EVENT_PROCESS_STATE_UNKNOWN;
}

static void add_process(struct buffer *out, const struct event_process *process)
{
	buffer_print(out, "processname:%s groupname:%s", process->name, process->group);
}

void event_text_state(struct buffer *out, const struct event_process *process, const struct event_change *change)
{
	const char *from = process_state_name(change->from);

	add_process(out, process);
	buffer_print(out, " from_state:%s", from ? from : "UNKNOWN");
	switch (change->to) {
	case STATE_STARTING:
	case STATE_BACKOFF:
		buffer_print(out, " tries:%u", change->tries);
		break;
	case STATE_EXITED:
		buffer_print(out, " expected:%d pid:%d", change->expected, process->pid);
		break;
	case STATE_RUNNING:
	case STATE_STOPPING:
	case STATE_STOPPED:
		buffer_print(out, " pid:%d", process->pid);
		break;
	case STATE_FATAL:
	case STATE_UNKNOWN:
		break;
	}
}

/* Python's repr() of bytes. */
static void add_bytes(struct buffer *out, const char *data, size_t size)
{
	char quote = memchr(data, '\'', size) && !memchr(data, '"', size) ? '"' : '\'';

	buffer_add_char(out, 'b');
	buffer_add_char(out, quote);
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)data[i];

		if (c == '\n' || c == '\r' || c == '\t')
			buffer_add_text(out, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
		else if (c == '\\' || c == (unsigned char)quote)
			buffer_print(out, "\\%c", c);
		else if (c < ' ' || c >= 0x7f)
			buffer_print(out, "\\x%02x", c);
		else
			buffer_add_char(out, (char)c);
	}
	buffer_add_char(out, quote);
}

static void add_data(struct buffer *out, const char *data, size_t size)
{
	size_t bad;

	if (utf8_valid(data, size, &bad)) {
		buffer_add(out, data, size);
		return;
	}
	buffer_add_text(out, "Undecodable: ");
	add_bytes(out, data, size);
}

void event_text_log(struct buffer *out, const struct event_process *process, bool is_stderr, const char *data, size_t size)
{
	add_process(out, process);
	buffer_print(out, " pid:%d channel:%s\n", process->pid, is_stderr ? "stderr" : "stdout");
	add_data(out, data, size);
}

void event_text_communication(
	struct buffer *out, const struct event_process *process, const char *data, size_t size)
{
	add_process(out, process);
	buffer_print(out, " pid:%d\n", process->pid);
	add_data(out, data, size);
}

void event_text_remote(struct buffer *out, const char *type, const char *data, size_t size)
{
	buffer_print(out, "type:%s\n", type);
	buffer_add(out, data, size);
}

void event_text_tick(struct buffer *out, int64_t when)
{
	buffer_print(out, "when:%" PRId64, when);
}

void event_text_group(struct buffer *out, const char *group)
{
	buffer_print(out, "groupname:%s\n", group);
}

void event_text_line(struct buffer *out, const struct event_line *line)
{
	size_t length = line->in_bytes ? line->size : utf8_count(line->payload, line->size);

	buffer_print(out, "ver:3.0 server:%s serial:%" PRIu64 " pool:%s poolserial:%" PRIu64 " eventname:%s len:%zu\n",
		line->server, line->serial, line->pool, line->pool_serial, event_type_name(line->type), length);
}
