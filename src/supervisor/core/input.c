#include "core/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/state.h"
#include "reeve/pipe.h"

struct input {
	struct reeve_loop_source *source; /* on the pipe */
	size_t begin, end, capacity;	  /* bytes[begin ... end) are still to be written */
	char *bytes;
};

void input_drop(struct process *process)
{
	struct input *input = process->input;

	if (!input)
		return;
	reeve_loop_source_free(input->source);
	free(input->bytes);
	free(input);
	process->input = NULL;
}

/* There is room, or nobody reads any more. */
static void writable(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	struct process *process = data;
	struct input *input = process->input;
	ssize_t n = reeve_pipe_write(fd, input->bytes + input->begin, input->end - input->begin, 0);

	if (n > 0)
		input->begin += (size_t)n;
	if (input->begin == input->end || (n < 0 && n != -ETIMEDOUT && n != -EINTR))
		input_drop(process);
}

static int begin(struct process *process)
{
	struct input *input = calloc(1, sizeof *input);
	int r;

	if (!input)
		return -ENOMEM;
	r = reeve_loop_add_fd(process->group->core->loop, process->stdin_pipe, REEVE_LOOP_WRITABLE,
		writable, process, &input->source);
	if (r < 0) {
		free(input);
		return r;
	}
	process->input = input;
	return 0;
}

/* Room for `size` more bytes behind what is kept. */
static int make_room(struct input *input, size_t size)
{
	size_t kept = input->end - input->begin;
	char *bytes;

	if (input->capacity - input->end >= size)
		return 0;
	if (input->begin > 0)
		memmove(input->bytes, input->bytes + input->begin, kept);
	input->begin = 0;
	input->end = kept;
	if (input->capacity - kept >= size)
		return 0;
	bytes = realloc(input->bytes, kept + size);
	if (!bytes)
		return -ENOMEM;
	input->bytes = bytes;
	input->capacity = kept + size;
	return 0;
}

static int keep(struct process *process, const char *bytes, size_t size)
{
	struct input *input;
	int r = 0;

	if (!process->input)
		r = begin(process);
	if (r < 0)
		return r;
	input = process->input;
	r = make_room(input, size);
	if (r < 0) {
		if (input->begin == input->end)
			input_drop(process);
		return r;
	}
	memcpy(input->bytes + input->end, bytes, size);
	input->end += size;
	return 0;
}

/* All of it can be kept: of what cannot nothing is to be written. */
static bool has_room(const struct process *process, size_t size)
{
	const struct input *input = process->input;

	return size <= INPUT_MAX - (input ? input->end - input->begin : 0);
}

int input_write(struct process *process, const void *bytes, size_t size)
{
	size_t written = 0;
	ssize_t n = 0;

	if (process->stdin_pipe < 0 || process->group->settings->socket)
		return -EPIPE;
	if (!has_room(process, size))
		return -ENOBUFS;
	while (!process->input && written < size && n >= 0) {
		n = reeve_pipe_write(
			process->stdin_pipe, (const char *)bytes + written, size - written, 0);
		written += n > 0 ? (size_t)n : 0;
	}
	if (n < 0 && n != -ETIMEDOUT && n != -EINTR)
		return (int)n;
	return written == size ? 0 : keep(process, (const char *)bytes + written, size - written);
}
