/* A descriptor that is readable while there is something to get.
 *
 * It is an eventfd of this process's own, since nothing but the arena is shared, and a thread
 * that sleeps on the queue as a getter does: when something is there it makes the descriptor
 * readable, and rests until a getter of this process has found the queue empty. */
#include <errno.h>
#include <limits.h>

#include "lib/base/cleanup.h"
#include "lib/base/fork.h"
#include "lib/base/futex.h"
#include "lib/base/sys.h"
#include "lib/queue/queue.h"
#include "reeve/thread.h"

enum watch_state { WATCHING, SHOWN, UNDOING, STOPPED };

struct queue_watch {
	struct reeve_queue *queue;
	struct reeve_thread *thread;
	struct queue_watch *parents; /* from before a fork; freed with the handle */
	unsigned generation;
	int fd;
	_Atomic uint32_t state;
};

/* Whether a get would answer at once. */
static bool has_answer(struct reeve_queue *queue)
{
	int self = arena_self(queue->object.arena);

	return self < 0 || queue->form->size(queue->state) != 0 ||
	       queue->form->is_over(queue->state, (unsigned)self) != 0;
}

/* False when it is to stop. */
static bool wait_for_answer(struct queue_watch *watch)
{
	struct reeve_queue *queue = watch->queue;
	struct eventcount *event = &queue->object.header->not_empty;

	for (;;) {
		uint32_t key = eventcount_prepare(event);

		if (queue->form->before_sleep)
			queue->form->before_sleep(queue->state);
		if (atomic_load(&watch->state) == STOPPED)
			return false;
		if (has_answer(queue))
			return true;
		(void)eventcount_wait(queue->object.arena, event, key, REEVE_FOREVER);
	}
}

/* It takes nothing itself: whoever else was asleep is woken in its place. SHOWN comes behind the
 * write, so that who sees it can undo that. */
static void *watch_queue(void *data)
{
	struct queue_watch *watch = data;
	const uint64_t one = 1;
	uint32_t before = WATCHING, now;

	while (wait_for_answer(watch)) {
		(void)!sys_write(watch->fd, &one, sizeof one);
		atomic_compare_exchange_strong(&watch->state, &before, SHOWN);
		before = WATCHING;
		eventcount_notify(&watch->queue->object.header->not_empty, 1);
		while ((now = atomic_load(&watch->state)) == SHOWN || now == UNDOING)
			(void)futex_wait_until(&watch->state, now, REEVE_FOREVER);
	}
	return NULL;
}

/* Those that a child inherited have no thread in it. */
static void free_watch(struct queue_watch *watch)
{
	if (watch->thread && watch->generation == fork_generation()) {
		atomic_store(&watch->state, STOPPED);
		futex_wake_all(&watch->state);
		eventcount_wake(&watch->queue->object.header->not_empty, INT_MAX);
		while (reeve_thread_join(watch->thread, REEVE_FOREVER, NULL) < 0)
			; /* a signal: it ends all the same, and what it uses is freed after it */
	}
	reeve_thread_free(watch->thread);
	close_fd(watch->fd);
	free(watch);
}

void queue_watch_free(struct reeve_queue *queue)
{
	struct queue_watch *watch = atomic_load(&queue->watch);

	while (watch) {
		struct queue_watch *parents = watch->parents;

		free_watch(watch);
		watch = parents;
	}
}

static int new_watch(
	struct reeve_queue *queue, struct queue_watch *parents, struct queue_watch **ret)
{
	const struct reeve_thread_spec spec = { .name = "reeve-queue", .background = true };
	struct queue_watch *watch = sys_calloc(1, sizeof *watch);
	int r;

	if (!watch)
		return -ENOMEM;
	*watch = (struct queue_watch){
		.queue = queue, .parents = parents, .generation = fork_generation(), .fd = -EBADF
	};
	watch->fd = sys_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = watch->fd < 0 ? -errno : reeve_thread_start(&spec, watch_queue, watch, &watch->thread);
	if (r < 0) {
		free_watch(watch);
		return r;
	}
	*ret = watch;
	return 0;
}

int reeve_queue_fd(struct reeve_queue *queue)
{
	struct queue_watch *watch, *fresh;
	int r;

	if (!queue)
		return -EFAULT;
	r = fork_watch();
	if (r == 0)
		r = arena_self(queue->object.arena);
	if (r < 0)
		return r;
	watch = atomic_load(&queue->watch);
	if (watch && watch->generation == fork_generation())
		return watch->fd;
	r = new_watch(queue, watch, &fresh);
	if (r < 0)
		return r;
	if (atomic_compare_exchange_strong(&queue->watch, &watch, fresh))
		return fresh->fd;
	free_watch(fresh); /* another thread was faster */
	return watch->fd;
}

void queue_watch_look(struct reeve_queue *queue)
{
	struct queue_watch *watch = atomic_load_explicit(&queue->watch, memory_order_acquire);
	uint32_t shown = SHOWN, undoing = UNDOING;
	uint64_t count;

	if (!watch || watch->generation != fork_generation() ||
		atomic_load(&watch->state) != SHOWN || has_answer(queue))
		return;
	/* By one alone: another that is late would undo what is shown the next time. */
	if (!atomic_compare_exchange_strong(&watch->state, &shown, UNDOING))
		return;
	(void)!sys_read(watch->fd, &count, sizeof count);
	if (atomic_compare_exchange_strong(&watch->state, &undoing, WATCHING))
		futex_wake_all(&watch->state);
}
