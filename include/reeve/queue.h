/* reeve/queue.h - a bounded queue of messages between any number of producers and consumers,
 * threads and processes alike, in an arena (reeve/arena.h).
 *
 *	struct reeve_queue_spec spec = { .capacity = 1000, .message_max = sizeof job };
 *	struct reeve_queue *queue;
 *
 *	reeve_queue_new(arena, "jobs", &spec, REEVE_SEC, &queue);
 *	... fork, or reeve_queue_open() in another process ...
 *	reeve_queue_put(queue, &job, sizeof job, REEVE_FOREVER);
 *	reeve_queue_get(queue, &job, sizeof job, REEVE_FOREVER, &size);
 *
 * Whoever uses it may be killed at any instruction. A message whose put had come to its commit
 * is delivered, one whose put had not never was; no place in the queue is lost, and nobody waits
 * for the dead: the others find what it held given back when the arena has been recovered
 * (reeve_arena_recover(); who waits does it, too). Who is stopped for long holds what it holds,
 * and keeps nobody else from going on (but see LANES below).
 *
 * A consumer's message: reeve_queue_get() takes it with the copy. A consumer that is killed before
 * the copy is complete has not got it, and another does. From then on it depends on the queue:
 *
 *                       dies before it is done       done is
 *   get                 gone with the consumer       the return of reeve_queue_get()
 *   get, joinable       on_death                     reeve_queue_task_done()
 *   peek                on_death                     reeve_queue_release()
 *
 * on_death: REEVE_QUEUE_DROP gives up the message (each is delivered at most once),
 * REEVE_QUEUE_REDELIVER has it delivered again, before others of its priority (at least once).
 *
 * Order. REEVE_QUEUE_STRICT: of two messages of one priority that which was committed first is
 * delivered first. REEVE_QUEUE_LANES is faster, and keeps that order only among the messages that
 * one thread puts through one handle: each producing thread has a lane of its own, until it ends. A
 * consumer has a lane to itself while it gets or peeks at its first message: if it is stopped then,
 * those behind it wait.
 *
 * What is put never overwrites: a full queue makes the caller wait. Messages that are peeked at,
 * not yet done, or reserved take up capacity.
 *
 * A timeout of 0 tries. Where there was nothing to get, or no room, until the timeout:
 * -ETIMEDOUT. Errors that any function may return beside those named with it: -EFAULT (an
 * argument is NULL that must not be), -EINVAL (the timeout), -EINTR (reeve/signal.h), -EUCLEAN
 * (somebody scribbled over the queue), and what reeve_arena_attach() returns, since who uses a
 * queue takes a place in its arena.
 *
 * Functions of one queue may be called by several threads at once, but for reeve_queue_free(). A
 * forked child goes on using its parent's handle as its own. */
#ifndef REEVE_QUEUE_H
#define REEVE_QUEUE_H

#include <sys/uio.h>

#include "reeve/arena.h"
#include "reeve/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_queue;

#define REEVE_QUEUE_CAPACITY_MAX 1000000u
#define REEVE_QUEUE_MESSAGE_MAX ((size_t)1 << 30)
#define REEVE_QUEUE_PRIORITIES_MAX 8u
#define REEVE_QUEUE_PRODUCERS_MAX 1024u
#define REEVE_QUEUE_PRODUCERS_DEFAULT 8u

enum reeve_queue_order { REEVE_QUEUE_STRICT, REEVE_QUEUE_LANES };

enum reeve_queue_on_death { REEVE_QUEUE_DROP, REEVE_QUEUE_REDELIVER };

struct reeve_queue_spec {
	/* How many messages: STRICT: in all; LANES: in each lane. 1 to REEVE_QUEUE_CAPACITY_MAX. */
	size_t capacity;
	size_t message_max; /* bytes of the longest message, 1 to REEVE_QUEUE_MESSAGE_MAX */
	enum reeve_queue_order order;
	enum reeve_queue_on_death on_death;
	/* Levels of priority, up to REEVE_QUEUE_PRIORITIES_MAX; 0: 1. LANES has but one. */
	unsigned priorities;
	/* Whether a message that was got counts until reeve_queue_task_done(), and
	 * reeve_queue_join() can wait for all of them. STRICT only. */
	bool joinable;
	/* LANES: how many threads can have a lane of their own, up to REEVE_QUEUE_PRODUCERS_MAX; 0:
	 * REEVE_QUEUE_PRODUCERS_DEFAULT. Where there are more threads they share another, which is
	 * slower. STRICT does without. */
	unsigned producers;
};

/* A message in the queue's own memory, between reserve and commit or between peek and release. */
struct reeve_queue_slot {
	void *data;  /* aligned to 16 bytes */
	size_t size; /* how many may be written; how many there are */
	unsigned priority;
	bool redelivered; /* was with a consumer before */
	uint64_t reserved[3];
};

struct reeve_queue_statistics {
	uint64_t put;         /* messages committed */
	uint64_t got;         /* taken off the queue, each counted the first time */
	uint64_t redelivered; /* how often one was given back, or was its dead consumer's */
	uint64_t dropped;     /* lost with their consumer */
};

/* Making, sharing, ending. */

/* How many bytes of an arena a queue takes. Returns 0, or as reeve_queue_new() of the spec. */
REEVE_API int reeve_queue_bytes(const struct reeve_queue_spec *spec, size_t *ret);

/* Make one, with a name in the arena.
 *
 *   spec      borrowed
 *   timeout   for the arena's structure, that another may be changing
 *   ret       to be released with reeve_queue_free(), before the arena
 *
 * Returns 0; -EINVAL (capacity or message_max is 0, an unknown order or on_death), -EOVERFLOW
 * (something is over its limit), -ENOTSUP (LANES with priorities or joinable); -EEXIST, -ENOSPC,
 * -EDQUOT, -EINVAL, -ENAMETOOLONG as reeve_arena_block_new(); -ENOMEM. */
REEVE_API int reeve_queue_new(struct reeve_arena *arena, const char *name,
	const struct reeve_queue_spec *spec, reeve_nsec timeout, struct reeve_queue **ret);

/* Find one. Returns 0; -ENOENT; -EPROTOTYPE (an object of another kind); -EUCLEAN; -ENOMEM; LANES:
 * -EAGAIN (no pthread_key_create(3)), -EPERM (membarrier(2) is denied here, on which those who made
 * the queue rely). */
REEVE_API int reeve_queue_open(
	struct reeve_arena *arena, const char *name, struct reeve_queue **ret);

/* Release the handle. Messages, and what is reserved or peeked at, are not touched. Returns NULL;
 * NULL is fine. */
REEVE_API struct reeve_queue *reeve_queue_free(struct reeve_queue *queue);

/* Remove one that nobody uses any more, with all that is in it. Returns 0; -ENOENT; -EPROTOTYPE. */
REEVE_API int reeve_queue_remove(struct reeve_arena *arena, const char *name, reeve_nsec timeout);

/* Put and get. */

/* Put a message of `size` bytes, 0 to message_max, with priority 0.
 *
 * Returns 0; -EMSGSIZE (longer than message_max), -ESHUTDOWN (the queue is closed), -ETIMEDOUT;
 * -EBUSY (LANES: the thread has reserved room, and that is neither committed nor cancelled yet). */
REEVE_API int reeve_queue_put(
	struct reeve_queue *queue, const void *data, size_t size, reeve_nsec timeout);

/* The same with a priority below that of the spec; higher ones are delivered first. -EINVAL. */
REEVE_API int reeve_queue_put_priority(struct reeve_queue *queue, const void *data, size_t size,
	unsigned priority, reeve_nsec timeout);

/* Put several, in this order and with this priority, waiting for room as often as need be. They
 * are committed one by one. Returns how many were put, which is fewer than `count` if it ended
 * early; an error, as above, where none was. -EINVAL where count is 0. */
REEVE_API ssize_t reeve_queue_put_many(struct reeve_queue *queue, const struct iovec *messages,
	size_t count, unsigned priority, reeve_nsec timeout);

/* Get a message.
 *
 *   data, size   room for it
 *   ret_size     its length; may be NULL
 *
 * Returns 0; -EMSGSIZE (the message is longer than `size`: it stays, and *ret_size is its length),
 * -ESHUTDOWN (the queue is closed, and no message is left nor can come back), -ETIMEDOUT. */
REEVE_API int reeve_queue_get(struct reeve_queue *queue, void *data, size_t size, reeve_nsec timeout,
	size_t *ret_size);

/* Wait for a message, and get it and those that are there besides, up to `count`. Each has iov_len
 * bytes of room, and then that length. Returns how many; an error, as above, where there was none;
 * where the first one is too long -EMSGSIZE, and its iov_len is what it needs. -EINVAL where count
 * is 0. */
REEVE_API ssize_t reeve_queue_get_many(
	struct reeve_queue *queue, struct iovec *messages, size_t count, reeve_nsec timeout);

/* Without a copy. A slot belongs to the process that got it, and any of its threads may end it, once:
 * -EINVAL for a slot that is none of this queue, that was ended, or that a parent process got.
 *
 * LANES: a thread has one reservation at a time. While a message is peeked at, those behind it in its
 * lane wait: who peeks, and then waits for another message, may be waiting for itself. */

/* Have room for a message of up to `size` bytes, to be written to slot->data. It takes its place in
 * the order when it is committed. Returns 0, or as reeve_queue_put_priority(). */
REEVE_API int reeve_queue_reserve(struct reeve_queue *queue, size_t size, unsigned priority,
	reeve_nsec timeout, struct reeve_queue_slot *ret);

/* Put what was written, the first `used` bytes. Returns 0; -EMSGSIZE (`used` is more than was
 * reserved: it stays reserved); -ESHUTDOWN (it is cancelled); -EINVAL. */
REEVE_API int reeve_queue_commit(
	struct reeve_queue *queue, const struct reeve_queue_slot *slot, size_t used);

/* Give it up. Returns 0, -EINVAL. */
REEVE_API int reeve_queue_cancel(struct reeve_queue *queue, const struct reeve_queue_slot *slot);

/* Take a message, and read it where it is, from slot->data. Returns 0, or as reeve_queue_get(). */
REEVE_API int reeve_queue_peek(
	struct reeve_queue *queue, reeve_nsec timeout, struct reeve_queue_slot *ret);

/* Be done with it: its room is free. Returns 0, -EINVAL. */
REEVE_API int reeve_queue_release(struct reeve_queue *queue, const struct reeve_queue_slot *slot);

/* Have it delivered again, before others of its priority. Returns 0, -EINVAL. */
REEVE_API int reeve_queue_give_back(struct reeve_queue *queue, const struct reeve_queue_slot *slot);

/* What is there. Others change it at any time. */

/* How many messages wait to be got. */
REEVE_API ssize_t reeve_queue_size(struct reeve_queue *queue);

/* 1 or 0. Not full: there is room for one message (LANES: for the longest, of this thread's). */
REEVE_API int reeve_queue_is_empty(struct reeve_queue *queue);
REEVE_API int reeve_queue_is_full(struct reeve_queue *queue);

/* As the spec had it; 0 for NULL. */
REEVE_API size_t reeve_queue_capacity(const struct reeve_queue *queue);
REEVE_API size_t reeve_queue_message_max(const struct reeve_queue *queue);

/* Since the queue was made. While it is in use the numbers need not fit one another, and who was
 * killed between giving a message back or dropping it and counting that has not counted it. */
REEVE_API int reeve_queue_statistics(
	struct reeve_queue *queue, struct reeve_queue_statistics *ret);

/* A descriptor that is readable when there is something to get, or the queue is closed; borrowed,
 * it is closed with the handle. It stays readable until this process found nothing to get: then try
 * with a timeout of 0, since another process may have been faster. The first call starts a thread
 * that watches the queue; a forked child has none, and calls again for one of its own.
 *
 * Returns the descriptor; -EMFILE, -ENFILE, -ENOMEM, -EAGAIN (no thread). */
REEVE_API int reeve_queue_fd(struct reeve_queue *queue);

/* Ending. */

/* Close it, for all processes and for ever. Puts fail from now on, gets as soon as nothing is left:
 * where another consumer could still die and its message come back (above), they wait for it. Returns
 * 0, also where it was closed; LANES: -EPERM (membarrier(2) has been denied since). */
REEVE_API int reeve_queue_close(struct reeve_queue *queue);

/* 1 where it is closed. */
REEVE_API int reeve_queue_is_closed(struct reeve_queue *queue);

/* Joinable queues: -ENOTSUP for others. */

/* A message that this process got is done: of those that the calling thread got the oldest; of those
 * that others of its threads got, if it has none. Returns 0; -ENOMSG (the process has none). A
 * message that is peeked at is done with reeve_queue_release(). */
REEVE_API int reeve_queue_task_done(struct reeve_queue *queue);

/* Wait until there is no message that is not done, neither in the queue nor with a consumer. Returns
 * 0, -ETIMEDOUT. */
REEVE_API int reeve_queue_join(struct reeve_queue *queue, reeve_nsec timeout);

#ifdef __cplusplus
}
#endif

#endif
