#include "lib/process/clone.h"

#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"

/* Set once the kernel, or a filter before it, has refused clone3 as such. */
static atomic_bool clone3_is_missing;

static bool asked(const struct clone_request *request, unsigned flag)
{
	return request->child->spec->flags & flag;
}

static uint64_t common_flags(const struct clone_request *request)
{
	return CLONE_PIDFD | (request->share_memory ? CLONE_VM : 0) |
	       (request->child->shares_table ? CLONE_FILES : 0) |
	       (asked(request, REEVE_PROCESS_SIBLING) ? CLONE_PARENT : 0);
}

/* CLONE_VFORK without CLONE_VM, too: when it returns, the child's report is complete. */
static uint64_t waiting_flag(const struct clone_request *request)
{
	return request->running ? CLONE_CHILD_CLEARTID : CLONE_VFORK;
}

/* A sibling sends its parent what the caller would. */
static int exit_signal(const struct clone_request *request)
{
	return asked(request, REEVE_PROCESS_SIBLING) ? 0 : SIGCHLD;
}

static long by_clone3(const struct clone_request *request, bool into_cgroup, int *ret_pidfd)
{
	struct child *child = request->child;
	pid_t *shared_pid = child->spec->shared_pid;
	struct clone_args arguments = {
		.flags = common_flags(request) | waiting_flag(request) | CLONE_CLEAR_SIGHAND |
			 CLONE_PARENT_SETTID,
		.child_tid = (uintptr_t)request->running,
		.pidfd = (uintptr_t)ret_pidfd,
		.parent_tid = (uintptr_t)(shared_pid ? shared_pid : &child->report->pid),
		.exit_signal = (unsigned)exit_signal(request),
	};

	if (request->share_memory) {
		arguments.stack = (uintptr_t)request->stack;
		arguments.stack_size = request->stack_size;
	}
	if (request->running)
		atomic_store(request->running, 1);
	if (into_cgroup) {
		arguments.flags |= CLONE_INTO_CGROUP;
		arguments.cgroup = (unsigned)child->spec->cgroup_fd;
	}
	child->must_clear_handlers = child->must_tell_pid = false;
	child->must_join_cgroup = asked(request, REEVE_PROCESS_SET_CGROUP) && !into_cgroup;
	return sys_clone(
		SYS_clone3, (long[5]){ (long)&arguments, sizeof arguments }, child_run, child);
}

static long by_clone(const struct clone_request *request, int *ret_pidfd)
{
	struct child *child = request->child;
	char *top = request->share_memory ? (char *)request->stack + request->stack_size : NULL;
	long flags = (long)common_flags(request) | CLONE_VFORK | exit_signal(request);

	if (request->running)
		atomic_store(request->running, 0);
	child->must_clear_handlers = true;
	child->must_join_cgroup = asked(request, REEVE_PROCESS_SET_CGROUP);
	child->must_tell_pid = true;
	return sys_clone(
		SYS_clone, (long[5]){ flags, (long)top, (long)ret_pidfd }, child_run, child);
}

/* Linux 6.14 and later, once a cgroup's cgroup.kill was written to, kill whatever is cloned into
 * that cgroup before its first instruction, for ever after. Who joins it afterwards lives. */
static bool was_stillborn(const struct clone_request *request)
{
	return asked(request, REEVE_PROCESS_SET_CGROUP) && !request->child->report->began;
}

static long make(const struct clone_request *request, int *ret_pidfd)
{
	bool has_cgroup = asked(request, REEVE_PROCESS_SET_CGROUP);
	long pid;

	if (atomic_load_explicit(&clone3_is_missing, memory_order_relaxed))
		return by_clone(request, ret_pidfd);
	pid = by_clone3(request, has_cgroup, ret_pidfd);
	if (pid > 0 && was_stillborn(request)) {
		clone_bury(request->child->spec, *ret_pidfd);
		return by_clone3(request, false, ret_pidfd);
	}
	/* Filters that do not know clone3 answer either. */
	if (pid < 0 && (errno == ENOSYS || (errno == EPERM && !has_cgroup))) {
		pid = by_clone(request, ret_pidfd);
		if (pid > 0)
			atomic_store_explicit(&clone3_is_missing, true, memory_order_relaxed);
	}
	return pid;
}

pid_t clone_child(const struct clone_request *request, int *ret_pidfd)
{
	static const uint64_t all = ~(uint64_t)0;
	uint64_t before;
	int cancel_state;
	long pid;

	if (sys_set_mask(&all, &before) < 0)
		return -errno;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	if (asked(request, REEVE_PROCESS_KEEP_MASK))
		request->child->mask = before;
	pid = make(request, ret_pidfd);
	if (pid < 0)
		pid = -errno;
	pthread_setcancelstate(cancel_state, NULL);
	kernel_set_mask(&before, NULL); /* not a call that may be made to fail */
	return (pid_t)pid;
}

void clone_bury(const struct reeve_process_spec *spec, int pidfd)
{
	siginfo_t info;

	if (!(spec->flags & REEVE_PROCESS_SIBLING)) /* not a call that may be made to fail */
		while (kernel_waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED, NULL) < 0 &&
			errno == EINTR)
			;
	close_fd(pidfd);
}
