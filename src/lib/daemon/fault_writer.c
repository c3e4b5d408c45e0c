#include "lib/daemon/fault_writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>

#include "lib/base/sys.h"

/* How long a full pipe or a stopped terminal may hold up a crashing program without taking anything. */
#define PATIENCE_SECONDS 5

static void pipe_signal(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGPIPE);
}

void writer_begin(struct fault_writer *writer, int fd)
{
	sigset_t pipe, pending;

	writer->fd = fd;
	writer->error = 0;
	writer->used = 0;
	pipe_signal(&pipe);
	pthread_sigmask(SIG_BLOCK, &pipe, &writer->mask);
	sigpending(&pending);
	writer->pipe_was_pending = sigismember(&pending, SIGPIPE);
}

/* Returns whether it is worth another try. */
static bool wait_for_room(int fd)
{
	struct pollfd polled = { .fd = fd, .events = POLLOUT };
	struct timespec patience = { .tv_sec = PATIENCE_SECONDS };

	return sys_ppoll(&polled, 1, &patience, NULL) > 0;
}

static void flush(struct fault_writer *writer)
{
	size_t done = 0;

	while (done < writer->used && writer->fd >= 0 && !writer->error) {
		ssize_t size = sys_write(writer->fd, writer->text + done, writer->used - done);

		if (size >= 0)
			done += (size_t)size;
		else if (errno != EINTR && (errno != EAGAIN || !wait_for_room(writer->fd)))
			writer->error = -errno;
	}
	writer->used = 0;
}

int writer_end(struct fault_writer *writer)
{
	static const struct timespec at_once;
	sigset_t pipe;

	flush(writer);
	if (writer->error == -EPIPE && !writer->pipe_was_pending) {
		pipe_signal(&pipe);
		sys_sigtimedwait(&pipe, NULL, &at_once);
	}
	pthread_sigmask(SIG_SETMASK, &writer->mask, NULL);
	return writer->error;
}

static void put(struct fault_writer *writer, char character)
{
	writer->text[writer->used++] = character;
	if (character == '\n' || writer->used == sizeof writer->text)
		flush(writer);
}

void writer_text(struct fault_writer *writer, const char *text)
{
	while (*text)
		put(writer, *text++);
}

void writer_foreign_text(struct fault_writer *writer, const char *text, size_t max)
{
	for (; *text && max > 0; text++, max--)
		put(writer, *text >= ' ' && *text != 0x7f ? *text : '?');
}

void writer_number(struct fault_writer *writer, intmax_t number)
{
	char digits[3 * sizeof number + 2];
	char *first = digits + sizeof digits - 1;
	uintmax_t left = number < 0 ? 0 - (uintmax_t)number : (uintmax_t)number;

	*first = '\0';
	do
		*--first = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (number < 0)
		*--first = '-';
	writer_text(writer, first);
}

void writer_hex(struct fault_writer *writer, uintptr_t number, int digits)
{
	int most = 2 * (int)sizeof number;

	while (most > 1 && most > digits && number >> 4 * (most - 1) == 0)
		most--;
	writer_text(writer, "0x");
	for (int digit = most - 1; digit >= 0; digit--)
		put(writer, "0123456789abcdef"[number >> 4 * digit & 15]);
}
