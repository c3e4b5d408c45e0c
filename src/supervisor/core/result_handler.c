#include "core/result_handler.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "text/buffer.h"

static const char stdout_handler[] = "supervisor_stdout:event_handler";

bool result_is_looked_at(const struct config_group *group)
{
	return group->result_handler && strcmp(group->result_handler, stdout_handler) == 0;
}

/* The value of `name:` among the words of a line; NULL: it is not there. */
static const char *find_word(const char *line, size_t size, const char *name, size_t *ret_size)
{
	size_t length = strlen(name);
	const char *end = line + size;

	while (line < end) {
		const char *space = memchr(line, ' ', (size_t)(end - line));
		const char *stop = space ? space : end;

		if ((size_t)(stop - line) >= length && memcmp(line, name, length) == 0) {
			*ret_size = (size_t)(stop - line) - length;
			return line + length;
		}
		line = space ? space + 1 : end;
	}
	return NULL;
}

/* Not through our own description of it: that may be anybody's, and its reader may not read. What it has no room for
 * is dropped. */
static void show(const struct buffer *text)
{
	int fd = open("/proc/self/fd/1", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, buffer_text(text), text->length) < 0) {
		/* nobody is there to be told */
	}
	close(fd);
}

/* The result is the event's own payload: its line has the process and the channel, and what follows are the lines
 * to be shown, each behind those two. */
static bool show_output(const struct buffer *result)
{
	const char *data = buffer_text(result), *end = data + result->length;
	const char *newline = memchr(data, '\n', result->length);
	size_t line = newline ? (size_t)(newline - data) : 0, name_size, channel_size;
	const char *name = find_word(data, line, "processname:", &name_size);
	const char *channel = find_word(data, line, "channel:", &channel_size);
	CLEANUP_BUFFER struct buffer out = BUFFER(8 * RESULT_SHOWN_MAX);

	if (!newline || !name || !channel)
		return false;
	for (const char *at = newline + 1; at <= end; at = newline + 1) {
		newline = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
		if (!newline)
			newline = end;
		buffer_print(&out, "%.*s %.*s | %.*s\n", (int)name_size, name, (int)channel_size, channel,
			(int)(newline - at), at);
	}
	if (!out.error)
		show(&out);
	return true;
}

enum listener_event result_judge(
	const struct config_group *group, const struct listener *listener, const struct buffer *result)
{
	if (result_is_looked_at(group))
		return show_output(result) ? LISTENER_SAYS_OK : LISTENER_BAD_RESULT;
	return listener_is_ok(listener) ? LISTENER_SAYS_OK : LISTENER_SAYS_FAIL;
}
