/* Starting a program: look the description over, lay out what the child needs, clone, and hear how
 * it went. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/futex.h"
#include "lib/base/sys.h"
#include "lib/process/child.h"
#include "lib/process/clone.h"
#include "lib/process/path_search.h"
#include "lib/process/process.h"
#include "lib/process/registry.h"

/* The child's stack is a part of the caller's, which waits meanwhile. Room for the dynamic linker,
 * too. */
#define STACK_SIZE 16384
/* How many descriptors can be mapped without the heap. */
#define FEW_DESCRIPTORS 32

/* ThreadSanitizer keeps a call stack in the thread, which a child that never returns would leave
 * behind. */
#if defined(__SANITIZE_THREAD__)
#define MAY_SHARE_MEMORY false
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MAY_SHARE_MEMORY false
#endif
#endif
#ifndef MAY_SHARE_MEMORY
#define MAY_SHARE_MEMORY true
#endif

struct attempt {
	struct child child;
	struct child_report report;
	bool share_memory;
	bool is_begun;		  /* how it went is told by reeve_process_spawn_finish() */
	bool runs_beside;	  /* the caller does not wait for it */
	_Atomic uint32_t running; /* see clone.h */
	pid_t caller;
	const char *shell_argv[4];
	int *many_sources;

	/* From here on: written before it is read. */
	int few_sources[FEW_DESCRIPTORS];
	_Alignas(16) char stack[STACK_SIZE];
};

static bool asked(const struct attempt *attempt, unsigned flag)
{
	return attempt->child.spec->flags & flag;
}

/* --- Preparation ------------------------------------------------------------------------------ */

static int check(const struct reeve_process_spec *spec)
{
	bool has_argv = spec->argv && spec->argv[0];

	if (has_argv == !!spec->shell || (spec->argv && !has_argv))
		return -EINVAL;
	if (spec->flags & REEVE_PROCESS_SET_TERMINAL && !(spec->flags & REEVE_PROCESS_NEW_SESSION))
		return -EINVAL;
	if (spec->flags & REEVE_PROCESS_NEW_SESSION &&
		spec->flags & REEVE_PROCESS_SET_PROCESS_GROUP)
		return -EINVAL;
	if (spec->descriptor_count > REEVE_PROCESS_DESCRIPTORS_MAX ||
		spec->limit_count > REEVE_PROCESS_LIMITS_MAX ||
		spec->group_count > REEVE_PROCESS_GROUPS_MAX)
		return -E2BIG;
	if (spec->ignored & (REEVE_SIGNAL_SET(SIGKILL) | REEVE_SIGNAL_SET(SIGSTOP)))
		return -EINVAL;
	return 0;
}

static int check_descriptors(const struct reeve_process_spec *spec, size_t *ret_index)
{
	for (size_t i = 0; i < spec->descriptor_count; i++) {
		const struct reeve_process_descriptor *entry = &spec->descriptors[i];

		*ret_index = i;
		if (entry->to < 0 || entry->from < REEVE_PROCESS_CLOSED)
			return -EINVAL;
		for (size_t j = 0; j < i; j++)
			if (spec->descriptors[j].to == entry->to)
				return -EINVAL;
	}
	*ret_index = 0;
	return 0;
}

static void choose_program(struct attempt *attempt)
{
	const struct reeve_process_spec *spec = attempt->child.spec;
	const char *const *caller = (const char *const *)environ;
	struct child *child = &attempt->child;

	child->argv = spec->argv;
	if (spec->shell) {
		attempt->shell_argv[0] = "sh";
		attempt->shell_argv[1] = "-c";
		attempt->shell_argv[2] = spec->shell;
		child->argv = attempt->shell_argv;
	}
	child->executable = spec->executable ? spec->executable
			    : spec->shell    ? "/bin/sh"
					     : spec->argv[0];
	child->environment = spec->environment ? spec->environment : caller;
	if (!asked(attempt, REEVE_PROCESS_NO_SEARCH) && path_search_applies(child->executable))
		child->search_path = path_search_variable(
			asked(attempt, REEVE_PROCESS_SEARCH_CALLER_PATH) ? caller
									 : child->environment);
}

static int prepare_descriptors(struct attempt *attempt)
{
	const struct reeve_process_spec *spec = attempt->child.spec;
	struct child *child = &attempt->child;
	size_t index;
	int r = check_descriptors(spec, &index);

	if (r < 0) {
		attempt->report.index = index;
		attempt->report.stage = REEVE_PROCESS_STAGE_DESCRIPTOR;
		return r;
	}
	child->sources = attempt->few_sources;
	if (spec->descriptor_count > FEW_DESCRIPTORS) {
		attempt->many_sources =
			sys_calloc(spec->descriptor_count, sizeof *attempt->many_sources);
		if (!attempt->many_sources)
			return -ENOMEM;
		child->sources = attempt->many_sources;
	}
	child->executable_fd =
		asked(attempt, REEVE_PROCESS_SET_EXECUTABLE_FD) ? spec->executable_fd : -1;
	child->directory_fd =
		asked(attempt, REEVE_PROCESS_SET_DIRECTORY_FD) ? spec->directory_fd : -1;
	return 0;
}

/* A change of user in a child that shares memory would make the parent undumpable. */
static bool changes_credentials(const struct reeve_process_spec *spec)
{
	uid_t uid = spec->uid, real, effective, saved;
	gid_t gid = spec->gid, real_gid, effective_gid, saved_gid;

	if (spec->flags & REEVE_PROCESS_SET_UID) {
		getresuid(&real, &effective, &saved);
		if (real != uid || effective != uid || saved != uid)
			return true;
	}
	if (spec->flags & REEVE_PROCESS_SET_GID) {
		getresgid(&real_gid, &effective_gid, &saved_gid);
		if (real_gid != gid || effective_gid != gid || saved_gid != gid)
			return true;
	}
	return false;
}

/* See child.c. (And a cgroup may need a second try.) */
static bool calls_the_c_library(const struct child *child)
{
	return child->search_path ||
	       child->spec->flags & (REEVE_PROCESS_SET_OOM_SCORE_ADJ | REEVE_PROCESS_SET_CGROUP);
}

static int prepare(struct attempt *attempt, const struct reeve_process_spec *spec)
{
	struct child *child = &attempt->child;
	int r = check(spec);

	if (r < 0)
		return r;
	child->spec = spec;
	child->descriptors = spec->descriptors;
	child->descriptor_count = spec->descriptor_count;
	r = prepare_descriptors(attempt);
	if (r < 0)
		return r;
	choose_program(attempt);
	child->mask = spec->mask;
	child->parent = asked(attempt, REEVE_PROCESS_SIBLING) ? getppid() : getpid();
	snprintf(child->oom_score_adj, sizeof child->oom_score_adj, "%d", spec->oom_score_adj);
	child->shares_table = asked(attempt, REEVE_PROCESS_CLOSE_REST);
	attempt->share_memory = MAY_SHARE_MEMORY && !changes_credentials(spec);
	attempt->runs_beside =
		attempt->is_begun && attempt->share_memory && !calls_the_c_library(child);
	attempt->report.stage = REEVE_PROCESS_STAGE_CLONE;
	if (attempt->share_memory) {
		child->report = &attempt->report;
		return 0;
	}
	child->report = sys_mmap(NULL, sizeof *child->report, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (child->report == MAP_FAILED) {
		child->report = NULL;
		return -errno;
	}
	return 0;
}

/* --- The attempt ------------------------------------------------------------------------------ */

static bool is_about_cgroup(int error)
{
	return error == -EBADF || error == -EACCES || error == -ENOENT || error == -EBUSY ||
	       error == -EOPNOTSUPP || error == -ENODEV;
}

/* Make the child. 0, or what failed. */
static int start(struct attempt *attempt, pid_t *ret_pid, int *ret_pidfd)
{
	struct clone_request request = {
		.child = &attempt->child,
		.share_memory = attempt->share_memory,
		.stack = attempt->stack,
		.stack_size = sizeof attempt->stack,
		.running = attempt->runs_beside ? &attempt->running : NULL,
	};
	pid_t *shared_pid = attempt->child.spec->shared_pid;
	pid_t pid;

	if (shared_pid)
		*shared_pid = 0;
	pid = clone_child(&request, ret_pidfd);
	if (pid < 0) {
		if (asked(attempt, REEVE_PROCESS_SET_CGROUP) && is_about_cgroup(pid))
			attempt->report.stage = REEVE_PROCESS_STAGE_CGROUP;
		return pid;
	}
	if (shared_pid)
		*shared_pid = pid;
	*ret_pid = pid;
	return 0;
}

/* How it went, once the child is through. */
static int result_of(struct attempt *attempt)
{
	if (attempt->child.report->error < 0)
		attempt->report = *attempt->child.report;
	return attempt->report.error;
}

/* A child that failed is gone before the call returns. */
static void bury(const struct attempt *attempt, int pidfd)
{
	const struct reeve_process_spec *spec = attempt->child.spec;

	clone_bury(spec, pidfd);
	if (spec->shared_pid && !asked(attempt, REEVE_PROCESS_SIBLING))
		*spec->shared_pid = 0;
}

static int spawn(struct attempt *attempt, pid_t *ret_pid, struct reeve_process **ret)
{
	struct newborn newborn = {
		.pid = &attempt->child.report->pid,
		.other_pid = attempt->child.spec->shared_pid,
	};
	struct reeve_process *process;
	int r = registry_watch_forks(), pidfd;

	if (r < 0)
		return r;
	process = process_new();
	if (!process)
		return -ENOMEM;
	registry_expect(&newborn);
	r = start(attempt, ret_pid, &pidfd);
	if (r == 0 && !attempt->is_begun)
		r = result_of(attempt);
	if (r == 0) {
		process->pid = *ret_pid;
		process->pidfd = pidfd;
		process->is_child = !asked(attempt, REEVE_PROCESS_SIBLING);
		if (process->is_child)
			registry_add(process);
		*ret = process;
	} else {
		free(process);
		if (*ret_pid != 0)
			bury(attempt, pidfd);
	}
	registry_unexpect(&newborn);
	return r;
}

static void release(struct attempt *attempt)
{
	free(attempt->many_sources);
	if (attempt->child.report && attempt->child.report != &attempt->report)
		munmap(attempt->child.report, sizeof *attempt->child.report);
}

static void tell(const struct attempt *attempt, int error, pid_t pid, struct reeve_process_failure *failure)
{
	if (error < 0 && failure)
		*failure = (struct reeve_process_failure){
			.error = error,
			.stage = attempt->report.stage ? attempt->report.stage
						       : REEVE_PROCESS_STAGE_PREPARE,
			.index = attempt->report.index,
			.pid = pid,
		};
}

int reeve_process_spawn(const struct reeve_process_spec *spec,
	struct reeve_process_failure *failure, struct reeve_process **ret)
{
	struct attempt attempt;
	int saved_errno = errno, r;
	pid_t pid = 0;

	memset(&attempt, 0, offsetof(struct attempt, few_sources));
	r = prepare(&attempt, spec);
	if (r == 0)
		r = spawn(&attempt, &pid, ret);
	tell(&attempt, r, pid, failure);
	release(&attempt);
	registry_sweep(8);
	errno = saved_errno;
	return r;
}

/* --- Beside the caller ------------------------------------------------------------------------ */

int reeve_process_spawn_begin(const struct reeve_process_spec *spec,
	struct reeve_process_failure *failure, struct reeve_process **ret)
{
	int saved_errno = errno, r;
	struct attempt *attempt = sys_malloc(sizeof *attempt);
	pid_t pid = 0;

	if (!attempt) {
		if (failure)
			*failure = (struct reeve_process_failure){
				.error = -ENOMEM, .stage = REEVE_PROCESS_STAGE_PREPARE
			};
		return -ENOMEM;
	}
	memset(attempt, 0, offsetof(struct attempt, few_sources));
	attempt->is_begun = true;
	attempt->caller = getpid();
	r = prepare(attempt, spec);
	if (r == 0)
		r = spawn(attempt, &pid, ret);
	if (r == 0) {
		(*ret)->attempt = attempt;
	} else {
		tell(attempt, r, 0, failure);
		release(attempt);
		free(attempt);
	}
	registry_sweep(8);
	errno = saved_errno;
	return r;
}

/* In a child that was forked meanwhile it is somebody else's: nobody would wake us. */
static void wait_for(struct attempt *attempt)
{
	while (atomic_load(&attempt->running) && attempt->caller == getpid())
		futex_wait_shared_until(&attempt->running, 1, REEVE_FOREVER);
}

int reeve_process_spawn_finish(struct reeve_process *process, struct reeve_process_failure *failure)
{
	struct attempt *attempt = process->attempt;
	int saved_errno = errno, r;

	if (!attempt)
		return -EINVAL;
	wait_for(attempt);
	r = result_of(attempt);
	tell(attempt, r, process->pid, failure);
	release(attempt);
	free(attempt);
	process->attempt = NULL;
	errno = saved_errno;
	return r;
}

void spawn_settle(struct reeve_process *process)
{
	if (process->attempt)
		reeve_process_spawn_finish(process, NULL);
}
