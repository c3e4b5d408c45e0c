/* Waiting with a deadline for what no descriptor tells: stopped and continued children, any child,
 * a group.
 *
 * waitid(2) has no timeout. Without a deadline it simply blocks; with one, a helper thread blocks
 * in it (a child may be waited for by every thread of its parent), and the caller polls for the
 * thread's word. The status is looked at, not taken, so a thread that is cancelled takes nothing
 * with it. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/base/cleanup.h"
#include "lib/base/interrupt.h"
#include "lib/base/sys.h"
#include "lib/process/process.h"

#define HELPER_STACK (128u * 1024)

struct helper {
	int type;
	id_t id;
	int options;
	int word; /* closed when there is something to see */
};

static int peek_now(int type, id_t id, int options, siginfo_t *ret)
{
	siginfo_t info = { .si_pid = 0 };

	if (sys_waitid(type, id, &info, options | WNOHANG | WNOWAIT, NULL) < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (info.si_pid == 0)
		return -EAGAIN;
	*ret = info;
	return 0;
}

static int peek_blocking(int type, id_t id, int options, siginfo_t *ret)
{
	siginfo_t info = { .si_pid = 0 };
	int r;

	while (sys_waitid(type, id, &info, options | WNOWAIT, NULL) < 0) {
		if (errno != EINTR)
			return -errno;
		r = interrupt_run();
		if (r < 0)
			return r;
	}
	*ret = info;
	return 0;
}

static void close_word(void *argument)
{
	struct helper *helper = argument;

	close(helper->word);
}

static void *help(void *argument)
{
	struct helper *helper = argument;
	siginfo_t info;

	pthread_cleanup_push(close_word, helper);
	while (sys_waitid_cancellable(
		       (idtype_t)helper->type, helper->id, &info, helper->options | WNOWAIT) < 0 &&
		errno == EINTR)
		;
	pthread_cleanup_pop(1);
	return NULL;
}

/* A thread that no signal of the program is delivered to. */
static int start_helper(struct helper *helper, pthread_t *ret)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int r;

	r = pthread_attr_init(&attributes);
	if (r != 0)
		return -r;
	pthread_attr_setstacksize(&attributes, HELPER_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = sys_pthread_create(ret, &attributes, help, helper);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -r;
}

/* 0 when it is worth looking again, or a negative errno. */
static int wait_for_helper(int type, id_t id, int options, reeve_nsec deadline)
{
	CLEANUP_FD int listen = -EBADF;
	struct helper helper = { .type = type, .id = id, .options = options };
	pthread_t thread;
	int fds[2], r;

	if (sys_pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	listen = fds[0];
	helper.word = fds[1];
	r = start_helper(&helper, &thread);
	if (r < 0) {
		close_fd(helper.word);
		return r;
	}
	r = wait_fd(listen, POLLIN, deadline);
	pthread_cancel(thread);
	pthread_join(thread, NULL);
	return r;
}

int wait_peek(int type, id_t id, int options, reeve_nsec deadline, siginfo_t *ret)
{
	for (;;) {
		int r = peek_now(type, id, options, ret);

		if (r != -EAGAIN)
			return r;
		if (deadline == REEVE_FOREVER)
			return peek_blocking(type, id, options, ret);
		if (deadline_left(deadline) == 0)
			return -ETIMEDOUT;
		r = wait_for_helper(type, id, options, deadline);
		if (r < 0 && r != -ETIMEDOUT)
			return r;
	}
}
