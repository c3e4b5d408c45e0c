#include "core/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/log.h"
#include "reeve/channel.h"

struct outbox_entry {
	struct outbox_entry *next;
	int fd; /* negative: none */
	size_t size;
	char message[];
};

void outbox_init(struct outbox *outbox, struct reeve_loop *loop)
{
	*outbox = (struct outbox){ .loop = loop, .channel = -EBADF };
	outbox->last = &outbox->first;
}

static void drop_first(struct outbox *outbox)
{
	struct outbox_entry *entry = outbox->first;

	outbox->first = entry->next;
	if (!outbox->first)
		outbox->last = &outbox->first;
	if (entry->fd >= 0)
		close(entry->fd);
	free(entry);
}

void outbox_deinit(struct outbox *outbox)
{
	while (outbox->first)
		drop_first(outbox);
	outbox->source = reeve_loop_source_free(outbox->source);
	if (outbox->channel >= 0)
		close(outbox->channel);
	outbox->channel = -EBADF;
}

/* The scribe has something to say, or has gone. It has nothing to say that matters yet; when it has gone, the
 * keeper starts another one and tells. */
static void take(struct outbox *outbox)
{
	union message message;
	ssize_t size = reeve_channel_receive(
		outbox->channel, &message, sizeof message, NULL, 0, NULL, 0);

	if (size == -ETIMEDOUT)
		return;
	if (size > 0 && message_check(&message, (size_t)size, 0) == MESSAGE_LOG_FINISHED)
		return;
	if (size > 0 || size == -EMSGSIZE || size == -EBADMSG) {
		log_line(LOG_ERROR, "core: dropped a senseless message from the scribe");
		return;
	}
	outbox_deinit(outbox);
}

static void flush(struct outbox *outbox)
{
	while (outbox->first) {
		struct outbox_entry *entry = outbox->first;
		int r = reeve_channel_send(outbox->channel, entry->message, entry->size,
			&entry->fd, entry->fd >= 0 ? 1 : 0, 0);

		if (r == -ETIMEDOUT || r == -ENOBUFS || r == -ENOMEM || r == -ETOOMANYREFS)
			return;
		drop_first(outbox);
	}
	reeve_loop_fd_set_events(outbox->source, REEVE_LOOP_READABLE);
}

static void ready(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	struct outbox *outbox = data;

	if (events & ~(unsigned)REEVE_LOOP_WRITABLE)
		take(outbox);
	if (outbox->channel >= 0 && (events & REEVE_LOOP_WRITABLE))
		flush(outbox);
}

int outbox_connect_take(struct outbox *outbox, int channel)
{
	outbox_deinit(outbox);
	outbox->channel = channel;
	return reeve_loop_add_fd(
		outbox->loop, channel, REEVE_LOOP_READABLE, ready, outbox, &outbox->source);
}

static int append(struct outbox *outbox, const union message *message, size_t size, int fd)
{
	struct outbox_entry *entry = malloc(sizeof *entry + size);

	if (!entry)
		return -ENOMEM;
	*entry = (struct outbox_entry){ .fd = -EBADF, .size = size };
	memcpy(entry->message, message, size);
	if (fd >= 0) {
		entry->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (entry->fd < 0) {
			int error = -errno;

			free(entry);
			return error;
		}
	}
	*outbox->last = entry;
	outbox->last = &entry->next;
	return reeve_loop_fd_set_events(
		outbox->source, REEVE_LOOP_READABLE | REEVE_LOOP_WRITABLE);
}

int outbox_send(struct outbox *outbox, const union message *message, int fd)
{
	size_t size = message_size(message);
	int r;

	if (outbox->channel < 0)
		return 0;
	if (outbox->first)
		return append(outbox, message, size, fd);
	r = reeve_channel_send(outbox->channel, message, size, &fd, fd >= 0 ? 1 : 0, 0);
	if (r == -ETIMEDOUT || r == -ENOBUFS || r == -ENOMEM || r == -ETOOMANYREFS)
		return append(outbox, message, size, fd);
	return r == -EPIPE ? 0 : r;
}
