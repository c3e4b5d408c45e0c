/* Descriptors: one epoll registration each.
 *
 * The kernel keeps a registration until the last descriptor of the open file description is closed, in whichever
 * process, and it can be removed only while the number still leads to that description. So a program that closes
 * a descriptor before it frees the source, and has forked meanwhile, leaves a ghost behind: a registration that
 * reports for ever and can't be removed. Two things keep that from doing harm. What is registered with epoll is no
 * pointer but the descriptor's number and the number of the registration, so that a ghost is recognized. And once
 * one has been seen, the whole epoll instance is replaced by a new one. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"
#include "lib/loop/source.h"

static const struct {
	unsigned ours;
	uint32_t kernels;
} event_names[] = {
	{ REEVE_LOOP_READABLE, EPOLLIN },
	{ REEVE_LOOP_WRITABLE, EPOLLOUT },
	{ REEVE_LOOP_PRIORITY, EPOLLPRI },
	{ REEVE_LOOP_READ_HANGUP, EPOLLRDHUP },
	{ REEVE_LOOP_HANGUP, EPOLLHUP },
	{ REEVE_LOOP_ERROR, EPOLLERR },
};

#define EVENT_COUNT (sizeof event_names / sizeof *event_names)

#define ALL_EVENTS                                                                                 \
	(REEVE_LOOP_READABLE | REEVE_LOOP_WRITABLE | REEVE_LOOP_PRIORITY | REEVE_LOOP_READ_HANGUP | \
		REEVE_LOOP_HANGUP | REEVE_LOOP_ERROR)

static uint32_t to_kernels(unsigned events)
{
	uint32_t kernels = 0;

	for (size_t i = 0; i < EVENT_COUNT; i++)
		if (events & event_names[i].ours)
			kernels |= event_names[i].kernels;
	return kernels;
}

static unsigned from_kernels(uint32_t kernels)
{
	unsigned events = 0;

	for (size_t i = 0; i < EVENT_COUNT; i++)
		if (kernels & event_names[i].kernels)
			events |= event_names[i].ours;
	return events;
}

/* --- epoll --- */

static int control(int epoll_fd, int operation, const struct reeve_loop_source *source, unsigned events)
{
	struct epoll_event event = {
		.events = to_kernels(events),
		.data.u64 = (uint64_t)source->descriptor.registration << 32 |
			(uint32_t)source->descriptor.fd,
	};

	if (sys_epoll_ctl(epoll_fd, operation, source->descriptor.fd, &event) < 0)
		return -errno;
	return 0;
}

/* A ghost that the number leads to again is taken over. */
static int enter(struct reeve_loop_source *source, unsigned events)
{
	int r;

	source->descriptor.registration = ++source->loop->last_registration;
	r = control(source->loop->epoll_fd, EPOLL_CTL_ADD, source, events);
	if (r == -EEXIST)
		r = control(source->loop->epoll_fd, EPOLL_CTL_MOD, source, events);
	return r;
}

/* That the descriptor has been closed is the only way in which this can fail; a ghost that stays is dealt with when it
 * shows up. */
static void leave(struct reeve_loop_source *source)
{
	struct epoll_event ignored = { 0 };

	sys_epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_DEL, source->descriptor.fd, &ignored);
}

/* The source that a report is about, or NULL where it is a ghost's. */
static struct reeve_loop_source *find(const struct reeve_loop *loop, uint64_t data)
{
	uint32_t fd = (uint32_t)data;
	struct reeve_loop_source *source;

	if (fd >= loop->descriptors_size)
		return NULL;
	source = loop->descriptors[fd];
	if (!source || !source->descriptor.events || source->descriptor.registration != data >> 32)
		return NULL;
	return source;
}

void descriptors_collect(struct reeve_loop *loop, const struct epoll_event *reports, int count)
{
	for (int i = 0; i < count; i++) {
		struct reeve_loop_source *source = find(loop, reports[i].data.u64);

		if (!source) {
			loop->haunted = true;
			continue;
		}
		source->descriptor.ready = from_kernels(reports[i].events);
		list_remove(&source->queued);
		list_append(&loop->ready, &source->queued);
	}
}

int descriptors_exorcise(struct reeve_loop *loop)
{
	CLEANUP_FD int fresh = -EBADF;
	int r;

	if (!loop->haunted)
		return 0;
	fresh = sys_epoll_create1(EPOLL_CLOEXEC);
	if (fresh < 0)
		return -errno;
	for (size_t fd = 0; fd < loop->descriptors_size; fd++) {
		struct reeve_loop_source *source = loop->descriptors[fd];

		if (!source || !source->descriptor.events)
			continue;
		r = control(fresh, EPOLL_CTL_ADD, source, source->descriptor.events);
		if (r == -ENOMEM || r == -ENOSPC)
			return r;
	}
	r = embed_replace(loop, fresh);
	if (r < 0)
		return r;
	close_fd(loop->epoll_fd);
	loop->epoll_fd = TAKE_FD(fresh);
	loop->haunted = false;
	return 0;
}

/* --- the kind of source --- */

static void descriptor_call(struct reeve_loop_source *source)
{
	source->descriptor.callback(source, source->descriptor.fd, source->descriptor.ready, source->data);
}

static void descriptor_detach(struct reeve_loop_source *source, bool live)
{
	struct reeve_loop *loop = source->loop;
	size_t fd = (size_t)source->descriptor.fd;

	if (fd >= loop->descriptors_size || loop->descriptors[fd] != source)
		return;
	loop->descriptors[fd] = NULL;
	if (live && source->descriptor.events)
		leave(source);
}

static const struct source_kind descriptor_kind = {
	.call = descriptor_call,
	.detach = descriptor_detach,
};

static int reserve(struct reeve_loop *loop, size_t count)
{
	struct reeve_loop_source **table;
	size_t size = loop->descriptors_size ? loop->descriptors_size : 16;

	if (count <= loop->descriptors_size)
		return 0;
	while (size < count)
		size *= 2;
	table = sys_reallocarray(loop->descriptors, size, sizeof *table);
	if (!table)
		return -ENOMEM;
	memset(table + loop->descriptors_size, 0, (size - loop->descriptors_size) * sizeof *table);
	loop->descriptors = table;
	loop->descriptors_size = size;
	return 0;
}

/* epoll is asked to see for itself whether it can watch a descriptor that begins paused. */
static int probe(struct reeve_loop_source *source)
{
	int r = enter(source, 0);

	if (r == 0)
		leave(source);
	return r;
}

int reeve_loop_add_fd(struct reeve_loop *loop, int fd, unsigned events, reeve_loop_fd_callback *callback,
	void *data, struct reeve_loop_source **ret)
{
	struct reeve_loop_source *source;
	int r;

	if (events & ~ALL_EVENTS || !callback)
		return -EINVAL;
	if (fd < 0)
		return -EBADF;
	r = source_new(loop, &descriptor_kind, data, &source);
	if (r < 0)
		return r;
	source->descriptor.callback = callback;
	source->descriptor.fd = fd;
	r = reserve(loop, (size_t)fd + 1);
	if (r == 0 && loop->descriptors[fd])
		r = -EEXIST;
	if (r == 0)
		r = events ? enter(source, events) : probe(source);
	if (r < 0) {
		reeve_loop_source_free(source);
		return r;
	}
	source->descriptor.events = events;
	loop->descriptors[fd] = source;
	if (ret)
		*ret = source;
	return 0;
}

int reeve_loop_fd_set_events(struct reeve_loop_source *source, unsigned events)
{
	unsigned before;
	int r = source_check(source, &descriptor_kind);

	if (r < 0)
		return r;
	if (events & ~ALL_EVENTS)
		return -EINVAL;
	before = source->descriptor.events;
	if (events == before)
		return 0;
	if (!events)
		leave(source);
	else if (!before)
		r = enter(source, events);
	else
		r = control(source->loop->epoll_fd, EPOLL_CTL_MOD, source, events);
	if (r < 0)
		return r;
	source->descriptor.events = events;
	source->descriptor.ready &= events ? events | REEVE_LOOP_HANGUP | REEVE_LOOP_ERROR : 0;
	if (!source->descriptor.ready)
		list_remove(&source->queued);
	return 0;
}
