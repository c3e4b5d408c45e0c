#include "core/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/log.h"
#include "reeve/channel.h"

/* Messages taken in one go before others have their turn. */
#define MESSAGES_A_ROUND 64

struct outbox_entry {
	struct outbox_entry *next;
	int fd; /* negative: none */
	size_t size;
	char message[];
};

void outbox_init(struct outbox *outbox, struct reeve_loop *loop, const char *peer, outbox_take *take, void *data)
{
	*outbox = (struct outbox){
		.loop = loop,
		.peer = peer,
		.take = take,
		.data = data,
		.channel = -EBADF,
	};
	outbox->last = &outbox->first;
}

static void drop_first(struct outbox *outbox)
{
	struct outbox_entry *entry = outbox->first;

	outbox->first = entry->next;
	if (!outbox->first)
		outbox->last = &outbox->first;
	outbox->waiting--;
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

/* Paused where too much waits; writable where anything does. */
static int listen_again(struct outbox *outbox)
{
	return reeve_loop_fd_set_events(outbox->source,
		(outbox->waiting < OUTBOX_PATIENCE ? REEVE_LOOP_READABLE : 0) |
			(outbox->first ? REEVE_LOOP_WRITABLE : 0));
}

/* Returns whether there may be more. */
static bool take_one(struct outbox *outbox)
{
	union message message;
	struct reeve_channel_info info = { 0 };
	int fd = -EBADF, r;
	ssize_t size = reeve_channel_receive(outbox->channel, &message, sizeof message, &fd, 1, &info, 0);

	if (size == -ETIMEDOUT)
		return false;
	if (size <= 0 && size != -EMSGSIZE && size != -EBADMSG && size != -EMFILE) {
		outbox_deinit(outbox);
		outbox->take(outbox->data, NULL, -EBADF);
		return false;
	}
	r = size < 0 ? (int)size
		     : message_check(&message, (size_t)size, (unsigned)info.descriptor_count);
	if (r < 0 && info.descriptor_count > 0)
		close(fd);
	if (r < 0 || !outbox->take(outbox->data, &message, info.descriptor_count > 0 ? fd : -EBADF))
		log_line(LOG_ERROR, "core: dropped a senseless message from the %s", outbox->peer);
	return true;
}

static void flush(struct outbox *outbox)
{
	while (outbox->first) {
		struct outbox_entry *entry = outbox->first;
		int r = reeve_channel_send(outbox->channel, entry->message, entry->size,
			&entry->fd, entry->fd >= 0 ? 1 : 0, 0);

		if (r == -ETIMEDOUT || r == -ENOBUFS || r == -ENOMEM || r == -ETOOMANYREFS)
			break;
		drop_first(outbox);
	}
	listen_again(outbox);
}

static void ready(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	struct outbox *outbox = data;

	if (events & REEVE_LOOP_WRITABLE)
		flush(outbox);
	if (!(events & ~(unsigned)REEVE_LOOP_WRITABLE))
		return;
	for (int taken = 0; taken < MESSAGES_A_ROUND && outbox->waiting < OUTBOX_PATIENCE; taken++)
		if (!take_one(outbox))
			break;
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
	outbox->waiting++;
	return listen_again(outbox);
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
