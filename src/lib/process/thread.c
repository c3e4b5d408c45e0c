/* A handle has two holders: whoever started the thread, and the thread itself until it ends; the last one releases it.
 * `state` is what everybody waits on. A thread sets it to ENDED as its last act, in a cleanup handler, so that
 * pthread_exit(3) and cancellation lead there too; its result is then fetched, once, by pthread_join(3). */
#include "reeve/thread.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "lib/base/alternate_stack.h"
#include "lib/base/cleanup.h"
#include "lib/base/fork.h"
#include "lib/base/futex.h"
#include "lib/base/interrupt.h"
#include "lib/base/list.h"
#include "lib/base/sys.h"

enum state {
	RUNNING,
	ENDED,
	JOINING, /* somebody is fetching the result */
	JOINED
};

struct reeve_thread {
	_Atomic uint32_t state;
	_Atomic uint32_t tid; /* 0: not known yet */
	atomic_uint holders;
	unsigned generation; /* of the process: in a forked child there is no such thread */
	bool background;
	pthread_t pthread;
	sigset_t mask;
	reeve_thread_function *function;
	void *data;
	void *result;
	struct list in_foreground;
	char name[REEVE_THREAD_NAME_MAX + 1];
};

static _Thread_local struct reeve_thread *self;

/* --- the threads that the process waits for at its end --- */

static struct {
	pthread_mutex_t lock;
	struct list threads;
	bool prepared;
} foreground = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.threads = { &foreground.threads, &foreground.threads },
};

static void lock_foreground(void)
{
	pthread_mutex_lock(&foreground.lock);
}

static void unlock_foreground(void)
{
	pthread_mutex_unlock(&foreground.lock);
}

/* Of all threads only the one that forked is in the child. */
static void forget_others(void)
{
	list_init(&foreground.threads);
	if (self) {
		self->generation = fork_generation();
		list_init(&self->in_foreground);
		if (!self->background)
			list_append(&foreground.threads, &self->in_foreground);
	}
	unlock_foreground();
}

static void join_all_at_exit(void)
{
	while (reeve_thread_join_all(REEVE_FOREVER) == -EINTR)
		continue;
}

/* What the first thread needs. Returns 0 or -ENOMEM. */
static int prepare(void)
{
	int r;

	lock_foreground();
	r = foreground.prepared ? 0 : fork_watch();
	if (r == 0 && !foreground.prepared) {
		if (sys_pthread_atfork(lock_foreground, unlock_foreground, forget_others) != 0 ||
			sys_atexit(join_all_at_exit) != 0)
			r = -ENOMEM;
		else
			foreground.prepared = true;
	}
	unlock_foreground();
	return r;
}

/* --- life --- */

static void let_go(struct reeve_thread *thread)
{
	if (atomic_fetch_sub(&thread->holders, 1) == 1)
		free(thread);
}

static void end(void *data)
{
	struct reeve_thread *thread = data;

	lock_foreground();
	list_remove(&thread->in_foreground);
	unlock_foreground();
	atomic_store(&thread->state, ENDED);
	futex_wake_all(&thread->state);
	self = NULL;
	let_go(thread);
}

static void *begin(void *data)
{
	struct reeve_thread *thread = data;
	void *result;

	self = thread;
	sys_prctl(PR_SET_NAME, (unsigned long)thread->name);
	if (alternate_stack_is_wanted())
		alternate_stack_enter(); /* without one, just a stack overflow can't be reported */
	atomic_store(&thread->tid, (uint32_t)gettid());
	futex_wake_all(&thread->tid);
	pthread_cleanup_push(end, thread);
	pthread_sigmask(SIG_SETMASK, &thread->mask, NULL);
	result = thread->function(thread->data);
	pthread_cleanup_pop(1);
	return result;
}

static int set_name(struct reeve_thread *thread, const char *name)
{
	static atomic_uint count;

	if (!name) {
		snprintf(thread->name, sizeof thread->name, "thread-%u", atomic_fetch_add(&count, 1) + 1);
		return 0;
	}
	if (strlen(name) > REEVE_THREAD_NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(thread->name, name, strlen(name) + 1);
	return 0;
}

static int set_stack_size(pthread_attr_t *attributes, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (size == 0)
		return 0;
	if (size > SIZE_MAX - page)
		return -ENOMEM;
	return -pthread_attr_setstacksize(attributes, (size + page - 1) / page * page);
}

/* All but those that report a fault of the thread's own. */
static void mask_of_bystander(sigset_t *ret)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT };

	sigfillset(ret);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		sigdelset(ret, faults[i]);
}

/* The thread begins with all signals blocked, and takes its own mask when it can be interrupted. */
static int create(struct reeve_thread *thread, const struct reeve_thread_spec *spec)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int r;

	pthread_attr_init(&attributes);
	r = set_stack_size(&attributes, spec->stack_size);
	if (r == 0) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		if (spec->receives_signals)
			thread->mask = before;
		else
			mask_of_bystander(&thread->mask);
		r = -sys_pthread_create(&thread->pthread, &attributes, begin, thread);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	pthread_attr_destroy(&attributes);
	return r;
}

int reeve_thread_start(const struct reeve_thread_spec *spec, reeve_thread_function *function, void *data,
	struct reeve_thread **ret)
{
	static const struct reeve_thread_spec ordinary;
	CLEANUP_FREE struct reeve_thread *thread = NULL;
	int r;

	if (!function)
		return -EINVAL;
	if (!spec)
		spec = &ordinary;
	r = prepare();
	if (r < 0)
		return r;
	thread = sys_calloc(1, sizeof *thread);
	if (!thread)
		return -ENOMEM;
	r = set_name(thread, spec->name);
	if (r < 0)
		return r;
	thread->function = function;
	thread->data = data;
	thread->background = spec->background;
	thread->generation = fork_generation();
	atomic_init(&thread->holders, 2);
	list_init(&thread->in_foreground);

	/* Held until the list is right: the thread may end before pthread_create(3) returns. */
	lock_foreground();
	r = create(thread, spec);
	if (r == 0 && !spec->background)
		list_append(&foreground.threads, &thread->in_foreground);
	unlock_foreground();
	if (r < 0)
		return r;
	if (ret)
		*ret = TAKE_PTR(thread);
	else
		reeve_thread_free(TAKE_PTR(thread));
	return 0;
}

struct reeve_thread *reeve_thread_free(struct reeve_thread *thread)
{
	if (!thread)
		return NULL;
	if (thread->generation != fork_generation()) {
		free(thread); /* the other holder is in the parent */
		return NULL;
	}
	if (atomic_load(&thread->state) != JOINED)
		pthread_detach(thread->pthread);
	let_go(thread);
	return NULL;
}

/* --- waiting --- */

static int await_end(struct reeve_thread *thread, reeve_nsec deadline)
{
	int r = 0;

	while (r == 0 && atomic_load(&thread->state) == RUNNING)
		r = futex_wait_until(&thread->state, RUNNING, deadline);
	return r;
}

/* The thread has ended; one of those who wait fetches its result. */
static void fetch_result(struct reeve_thread *thread)
{
	uint32_t state = ENDED;
	int cancellation;

	if (atomic_compare_exchange_strong(&thread->state, &state, JOINING)) {
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellation);
		pthread_join(thread->pthread, &thread->result);
		pthread_setcancelstate(cancellation, NULL);
		atomic_store(&thread->state, JOINED);
		futex_wake_all(&thread->state);
	}
	while (atomic_load(&thread->state) == JOINING)
		futex_wait_until(&thread->state, JOINING, REEVE_FOREVER);
}

int reeve_thread_join(struct reeve_thread *thread, reeve_nsec timeout, void **ret_result)
{
	reeve_nsec deadline;
	int r = deadline_from(timeout, &deadline);

	if (r < 0)
		return r;
	if (thread == self)
		return -EDEADLK;
	if (thread->generation != fork_generation())
		return -ESRCH;
	r = await_end(thread, deadline);
	if (r < 0)
		return r;
	fetch_result(thread);
	if (ret_result)
		*ret_result = thread->result;
	return 0;
}

/* A foreground thread other than the caller, held; NULL where there is none. */
static struct reeve_thread *hold_any(void)
{
	struct reeve_thread *found = NULL;

	lock_foreground();
	for (struct list *link = foreground.threads.next; link != &foreground.threads; link = link->next) {
		struct reeve_thread *thread = LIST_ENTRY(link, struct reeve_thread, in_foreground);

		if (thread != self) {
			found = thread;
			atomic_fetch_add(&found->holders, 1);
			break;
		}
	}
	unlock_foreground();
	return found;
}

int reeve_thread_join_all(reeve_nsec timeout)
{
	struct reeve_thread *thread;
	reeve_nsec deadline;
	int r = deadline_from(timeout, &deadline);

	while (r == 0 && (thread = hold_any())) {
		r = await_end(thread, deadline);
		let_go(thread);
	}
	return r;
}

/* --- questions --- */

bool reeve_thread_is_alive(const struct reeve_thread *thread)
{
	return thread->generation == fork_generation() && atomic_load(&thread->state) == RUNNING;
}

const char *reeve_thread_name(const struct reeve_thread *thread)
{
	return thread->name;
}

pid_t reeve_thread_id(struct reeve_thread *thread)
{
	uint32_t tid;

	while ((tid = atomic_load(&thread->tid)) == 0)
		futex_wait_until(&thread->tid, 0, REEVE_FOREVER);
	return (pid_t)tid;
}

struct reeve_thread *reeve_thread_self(void)
{
	return self;
}
