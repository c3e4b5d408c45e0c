/* The queue's functions: arguments, then the form's try until it answers, then whoever waits for
 * what was done. */
#include "lib/queue/queue.h"

#include <errno.h>
#include <limits.h>

/* --- Putting ---------------------------------------------------------------------------------- */

struct putting {
	const void *data;
	size_t size;
	unsigned priority;
	struct reeve_queue_slot *slot;
};

static int try_put(struct reeve_queue *queue, unsigned self, void *data)
{
	const struct putting *putting = data;

	return queue->form->put(
		queue->state, self, putting->data, putting->size, putting->priority);
}

static int try_reserve(struct reeve_queue *queue, unsigned self, void *data)
{
	const struct putting *putting = data;

	return queue->form->reserve(
		queue->state, self, putting->size, putting->priority, putting->slot);
}

static int check_put(const struct reeve_queue *queue, size_t size, unsigned priority)
{
	if (priority >= queue->object.spec.priorities)
		return -EINVAL;
	return size > queue->object.spec.message_max ? -EMSGSIZE : 0;
}

static int until_room(
	struct reeve_queue *queue, reeve_nsec timeout, queue_try *try, struct putting *putting)
{
	int r = check_put(queue, putting->size, putting->priority);

	if (r < 0)
		return r;
	return queue_until(queue, &queue->object.header->not_full, timeout, try, putting);
}

int reeve_queue_put_priority(struct reeve_queue *queue, const void *data, size_t size,
	unsigned priority, reeve_nsec timeout)
{
	struct putting putting = { .data = data, .size = size, .priority = priority };
	int r;

	if (!queue || (!data && size))
		return -EFAULT;
	r = until_room(queue, timeout, try_put, &putting);
	if (r == 0)
		queue_came(queue, 1);
	return r;
}

int reeve_queue_put(struct reeve_queue *queue, const void *data, size_t size, reeve_nsec timeout)
{
	return reeve_queue_put_priority(queue, data, size, 0, timeout);
}

int reeve_queue_reserve(struct reeve_queue *queue, size_t size, unsigned priority,
	reeve_nsec timeout, struct reeve_queue_slot *ret)
{
	struct putting putting = { .size = size, .priority = priority, .slot = ret };

	if (!queue || !ret)
		return -EFAULT;
	return until_room(queue, timeout, try_reserve, &putting);
}

int reeve_queue_commit(
	struct reeve_queue *queue, const struct reeve_queue_slot *slot, size_t used)
{
	int self, r;

	if (!queue || !slot)
		return -EFAULT;
	self = arena_self(queue->object.arena);
	if (self < 0)
		return self;
	r = queue->form->commit(queue->state, (unsigned)self, slot, used);
	if (r == 0)
		queue_came(queue, 1);
	else if (r == -ESHUTDOWN)
		queue_ended(queue);
	return r;
}

struct putting_many {
	const struct iovec *messages;
	size_t count, done;
	unsigned priority;
};

static int try_put_many(struct reeve_queue *queue, unsigned self, void *data)
{
	struct putting_many *many = data;

	while (many->done < many->count) {
		const struct iovec *message = &many->messages[many->done];
		int r = queue->form->put(queue->state, self, message->iov_base, message->iov_len,
			many->priority);

		if (r < 0)
			return r;
		many->done++;
		queue_came(queue, 1);
	}
	return 0;
}

ssize_t reeve_queue_put_many(struct reeve_queue *queue, const struct iovec *messages, size_t count,
	unsigned priority, reeve_nsec timeout)
{
	struct putting_many many = { .messages = messages, .count = count, .priority = priority };
	int r;

	if (!queue || !messages)
		return -EFAULT;
	if (count == 0 || count > SSIZE_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		if (!messages[i].iov_base && messages[i].iov_len)
			return -EFAULT;
		r = check_put(queue, messages[i].iov_len, priority);
		if (r < 0)
			return r;
	}
	r = queue_until(queue, &queue->object.header->not_full, timeout, try_put_many, &many);
	return many.done ? (ssize_t)many.done : r;
}

/* --- Getting ---------------------------------------------------------------------------------- */

struct getting {
	struct iovec *messages;
	size_t count, done;
};

static int try_get(struct reeve_queue *queue, unsigned self, void *data)
{
	struct getting *getting = data;
	int r = 0;

	while (getting->done < getting->count) {
		struct iovec *message = &getting->messages[getting->done];
		size_t size = 0;

		r = queue->form->get(
			queue->state, self, message->iov_base, message->iov_len, &size);
		if (r == 0 || (r == -EMSGSIZE && getting->done == 0))
			message->iov_len = size;
		if (r < 0)
			break;
		getting->done++;
	}
	return getting->done ? 0 : r;
}

ssize_t reeve_queue_get_many(
	struct reeve_queue *queue, struct iovec *messages, size_t count, reeve_nsec timeout)
{
	struct getting getting = { .messages = messages, .count = count };
	int r;

	if (!queue || !messages)
		return -EFAULT;
	if (count == 0 || count > SSIZE_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		if (!messages[i].iov_base && messages[i].iov_len)
			return -EFAULT;
	r = queue_until(queue, &queue->object.header->not_empty, timeout, try_get, &getting);
	if (getting.done)
		queue_got(queue, (unsigned)(getting.done < UINT_MAX ? getting.done : UINT_MAX));
	else
		queue_watch_look(queue);
	return getting.done ? (ssize_t)getting.done : r;
}

int reeve_queue_get(struct reeve_queue *queue, void *data, size_t size, reeve_nsec timeout,
	size_t *ret_size)
{
	struct iovec message = { .iov_base = data, .iov_len = size };
	ssize_t r = reeve_queue_get_many(queue, &message, 1, timeout);

	if (ret_size && (r == 1 || r == -EMSGSIZE))
		*ret_size = message.iov_len;
	return r < 0 ? (int)r : 0;
}

static int try_peek(struct reeve_queue *queue, unsigned self, void *data)
{
	return queue->form->peek(queue->state, self, data);
}

int reeve_queue_peek(struct reeve_queue *queue, reeve_nsec timeout, struct reeve_queue_slot *ret)
{
	int r;

	if (!queue || !ret)
		return -EFAULT;
	r = queue_until(queue, &queue->object.header->not_empty, timeout, try_peek, ret);
	queue_watch_look(queue);
	return r;
}

/* --- Ending what is reserved or peeked at ----------------------------------------------------- */

typedef int end_function(void *state, unsigned self, const struct reeve_queue_slot *slot);

static int end(struct reeve_queue *queue, const struct reeve_queue_slot *slot, end_function *how)
{
	int self = arena_self(queue->object.arena);

	return self < 0 ? self : how(queue->state, (unsigned)self, slot);
}

int reeve_queue_cancel(struct reeve_queue *queue, const struct reeve_queue_slot *slot)
{
	int r;

	if (!queue || !slot)
		return -EFAULT;
	r = end(queue, slot, queue->form->cancel);
	if (r == 0)
		queue_ended(queue);
	return r;
}

int reeve_queue_release(struct reeve_queue *queue, const struct reeve_queue_slot *slot)
{
	int r;

	if (!queue || !slot)
		return -EFAULT;
	r = end(queue, slot, queue->form->release);
	if (r == 0)
		queue_ended(queue);
	return r;
}

int reeve_queue_give_back(struct reeve_queue *queue, const struct reeve_queue_slot *slot)
{
	int r;

	if (!queue || !slot)
		return -EFAULT;
	r = end(queue, slot, queue->form->give_back);
	if (r == 0)
		queue_came(queue, 1);
	return r;
}

/* --- What is there ---------------------------------------------------------------------------- */

ssize_t reeve_queue_size(struct reeve_queue *queue)
{
	return queue ? queue->form->size(queue->state) : -EFAULT;
}

int reeve_queue_is_empty(struct reeve_queue *queue)
{
	ssize_t size = reeve_queue_size(queue);

	return size < 0 ? (int)size : size == 0;
}

int reeve_queue_is_full(struct reeve_queue *queue)
{
	return queue ? queue->form->is_full(queue->state) : -EFAULT;
}

size_t reeve_queue_capacity(const struct reeve_queue *queue)
{
	return queue ? queue->object.spec.capacity : 0;
}

size_t reeve_queue_message_max(const struct reeve_queue *queue)
{
	return queue ? queue->object.spec.message_max : 0;
}

int reeve_queue_statistics(struct reeve_queue *queue, struct reeve_queue_statistics *ret)
{
	if (!queue || !ret)
		return -EFAULT;
	queue->form->statistics(queue->state, ret);
	return 0;
}

/* --- Ending ----------------------------------------------------------------------------------- */

int reeve_queue_close(struct reeve_queue *queue)
{
	int r;

	if (!queue)
		return -EFAULT;
	r = arena_self(queue->object.arena);
	if (r < 0)
		return r;
	r = queue->form->close(queue->state);
	atomic_store(&queue->object.header->closed, 1);
	queue_wake_all(queue->object.header);
	return r;
}

int reeve_queue_is_closed(struct reeve_queue *queue)
{
	return queue ? queue->form->is_closed(queue->state) : -EFAULT;
}

int reeve_queue_task_done(struct reeve_queue *queue)
{
	int r;

	if (!queue)
		return -EFAULT;
	if (!queue->object.spec.joinable)
		return -ENOTSUP;
	r = arena_self(queue->object.arena);
	if (r > 0)
		r = queue->form->task_done(queue->state, (unsigned)r);
	if (r == 0)
		queue_ended(queue);
	return r;
}

static int try_join(struct reeve_queue *queue, unsigned self, void *data)
{
	int r = queue->form->is_done(queue->state);

	return r == 0 ? -EAGAIN : r;
}

int reeve_queue_join(struct reeve_queue *queue, reeve_nsec timeout)
{
	int r;

	if (!queue)
		return -EFAULT;
	if (!queue->object.spec.joinable)
		return -ENOTSUP;
	r = queue_until(queue, &queue->object.header->all_done, timeout, try_join, NULL);
	return r > 0 ? 0 : r;
}
