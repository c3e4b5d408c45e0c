/* Between clone and exec: system calls only.
 *
 * The child may share its parent's memory and thread-local storage, while the parent's other
 * threads run, and the one that made it, too. So: no locks, no heap, no stdio, no libc wrapper that
 * would tell other threads (setuid, setgid, setgroups), no writing to anything but `struct child`
 * and its report; not to errno either. What runs beside its own thread calls nothing of the C
 * library: the dynamic linker, which finds a function when it is first called, must not be in
 * there twice. */
#include "lib/process/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "lib/base/sys.h"
#include "lib/process/path_search.h"

/* A sanitizer's notes on frames that are never left would outlive them. */
#define IN_CHILD __attribute__((no_sanitize("address", "undefined", "thread")))

#define N_SIGNALS 64
#define CALL(number, ...) CALL_(number, ##__VA_ARGS__, 0, 0, 0, 0, 0)
#define CALL_(number, a, b, c, d, e, ...)                                                          \
	call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))

/* The kernel's struct sigaction begins with the handler on every machine; the rest is zero here. */
union disposition {
	void (*handler)(int);
	long whole[8];
};

static IN_CHILD int call(long number, long a, long b, long c, long d, long e)
{
	return (int)sys_child_call(number, a, b, c, d, e);
}

static IN_CHILD bool asked(const struct child *child, unsigned flag)
{
	return child->spec->flags & flag;
}

static IN_CHILD int tell_pid(struct child *child)
{
	if (child->must_tell_pid) {
		child->report->pid = CALL(SYS_getpid);
		if (child->spec->shared_pid)
			*child->spec->shared_pid = child->report->pid;
	}
	return 0;
}

static IN_CHILD int write_file(int directory, const char *path, const char *text)
{
	int r, fd = CALL(SYS_openat, directory, path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return fd;
	r = CALL(SYS_write, fd, text, strlen(text)); /* never in one that runs beside */
	CALL(SYS_close, fd);
	return r < 0 ? r : 0;
}

static IN_CHILD int join_cgroup(struct child *child)
{
	return child->must_join_cgroup ? write_file(child->spec->cgroup_fd, "cgroup.procs", "0")
				       : 0;
}

static IN_CHILD int start_session(struct child *child)
{
	int r = asked(child, REEVE_PROCESS_NEW_SESSION) ? CALL(SYS_setsid) : 0;

	return r < 0 ? r : 0;
}

static IN_CHILD int join_process_group(struct child *child)
{
	return asked(child, REEVE_PROCESS_SET_PROCESS_GROUP)
		       ? CALL(SYS_setpgid, 0, child->spec->process_group)
		       : 0;
}

static IN_CHILD int take_terminal(struct child *child)
{
	return asked(child, REEVE_PROCESS_SET_TERMINAL)
		       ? CALL(SYS_ioctl, child->spec->terminal_fd, TIOCSCTTY, 0)
		       : 0;
}

static IN_CHILD int set_nice(struct child *child)
{
	return asked(child, REEVE_PROCESS_SET_NICE)
		       ? CALL(SYS_setpriority, PRIO_PROCESS, 0, child->spec->nice)
		       : 0;
}

static IN_CHILD int set_oom_score_adj(struct child *child)
{
	return asked(child, REEVE_PROCESS_SET_OOM_SCORE_ADJ)
		       ? write_file(AT_FDCWD, "/proc/self/oom_score_adj", child->oom_score_adj)
		       : 0;
}

/* --- Descriptors ------------------------------------------------------------------------------ */

/* Whether a descriptor's number is about to get another meaning. */
static IN_CHILD bool is_overwritten(const struct child *child, int fd)
{
	for (size_t i = 0; i < child->descriptor_count; i++)
		if (child->descriptors[i].to == fd && child->descriptors[i].from != fd)
			return true;
	return false;
}

static IN_CHILD int higher(int a, int b)
{
	return a > b ? a : b;
}

/* The highest descriptor that the stages to come need. */
static IN_CHILD int highest_needed(const struct child *child)
{
	int highest = higher(2, higher(child->executable_fd, child->directory_fd));

	if (child->must_join_cgroup)
		highest = higher(highest, child->spec->cgroup_fd);
	if (asked(child, REEVE_PROCESS_SET_TERMINAL))
		highest = higher(highest, child->spec->terminal_fd);
	for (size_t i = 0; i < child->descriptor_count; i++)
		highest = higher(highest, child->descriptors[i].from);
	return highest;
}

/* A table of its own, without what lies above all that is needed. A copy of the whole, as a child gets
 * otherwise, is work for each of the parent's descriptors: to copy, and to close at exec. */
static IN_CHILD int leave_table(struct child *child)
{
	return child->shares_table ? CALL(SYS_close_range, highest_needed(child) + 1, ~0u,
					     CLOSE_RANGE_UNSHARE)
				   : 0;
}

/* Marking all of them close-on-exec, before those that stay are put in their places, needs no list
 * of gaps. */
static IN_CHILD int mark_rest(struct child *child)
{
	int r;

	if (!asked(child, REEVE_PROCESS_CLOSE_REST))
		return 0;
	r = CALL(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC);
	child->must_close_rest = r == -EINVAL; /* Linux 5.10 */
	return r == -EINVAL ? 0 : r;
}

/* Where to find `fd` once the map is in place: itself, or a duplicate that the map does not
 * overwrite. */
static IN_CHILD int out_of_the_way(const struct child *child, int fd)
{
	int copy = fd;

	for (int lowest = 3; is_overwritten(child, copy); lowest = copy + 1) {
		int next = CALL(SYS_fcntl, fd, F_DUPFD_CLOEXEC, lowest);

		if (copy != fd)
			CALL(SYS_close, copy);
		if (next < 0)
			return next;
		copy = next;
	}
	return copy;
}

static IN_CHILD int move_sources(struct child *child)
{
	for (size_t i = 0; i < child->descriptor_count; i++) {
		const struct reeve_process_descriptor *entry = &child->descriptors[i];

		child->index = i;
		child->sources[i] = entry->from;
		if (entry->from < 0)
			continue;
		child->sources[i] = out_of_the_way(child, entry->from);
		if (child->sources[i] < 0)
			return child->sources[i];
	}
	return 0;
}

static IN_CHILD int open_null(int to)
{
	int r, fd = CALL(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR);

	if (fd < 0 || fd == to)
		return fd;
	r = CALL(SYS_dup3, fd, to, 0);
	CALL(SYS_close, fd);
	return r;
}

static IN_CHILD int place(int source, int to)
{
	if (source == REEVE_PROCESS_CLOSED) {
		CALL(SYS_close, to);
		return 0;
	}
	if (source == REEVE_PROCESS_DEV_NULL)
		return open_null(to);
	if (source == to)
		return CALL(SYS_fcntl, to, F_SETFD, 0);
	return CALL(SYS_dup3, source, to, 0);
}

/* The child's own descriptors, where it has them. */
static IN_CHILD int move_own(const struct child *child, int *fd)
{
	int moved = *fd < 0 ? 0 : out_of_the_way(child, *fd);

	if (*fd >= 0 && moved >= 0)
		*fd = moved;
	return moved < 0 ? moved : 0;
}

static IN_CHILD int map_descriptors(struct child *child)
{
	int r = move_sources(child);

	if (r >= 0)
		r = move_own(child, &child->executable_fd);
	if (r >= 0)
		r = move_own(child, &child->directory_fd);
	for (size_t i = 0; r >= 0 && i < child->descriptor_count; i++) {
		child->index = i;
		r = place(child->sources[i], child->descriptors[i].to);
	}
	return r < 0 ? r : 0;
}

/* The lowest descriptor from `lowest` on that stays open, or UINT_MAX. */
static IN_CHILD unsigned next_kept(const struct child *child, unsigned lowest)
{
	unsigned next = UINT_MAX;

	for (size_t i = 0; i < child->descriptor_count + 2; i++) {
		unsigned fd = (unsigned)(i < child->descriptor_count    ? child->descriptors[i].to
					 : i == child->descriptor_count ? child->executable_fd
									: child->directory_fd);

		if (fd >= lowest && fd < next)
			next = fd;
	}
	return next;
}

/* For kernels that cannot mark: close what lies between those that stay. */
static IN_CHILD int close_rest(struct child *child)
{
	unsigned lowest = 3, next;
	int r = 0;

	for (; child->must_close_rest && r == 0 && lowest != 0; lowest = next + 1) {
		next = next_kept(child, lowest);
		if (next > lowest)
			r = CALL(SYS_close_range, lowest, next == UINT_MAX ? next : next - 1, 0);
	}
	return r;
}

/* --- Limits, identity, directory -------------------------------------------------------------- */

static IN_CHILD int set_limits(struct child *child)
{
	const struct reeve_process_spec *spec = child->spec;
	int r = 0;

	for (size_t i = 0; r == 0 && i < spec->limit_count; i++) {
		child->index = i;
		r = CALL(SYS_prlimit64, 0, spec->limits[i].resource, &spec->limits[i].limit, 0);
	}
	return r;
}

static IN_CHILD int set_groups(struct child *child)
{
	return asked(child, REEVE_PROCESS_SET_GROUPS)
		       ? CALL(SYS_setgroups, child->spec->group_count, child->spec->groups)
		       : 0;
}

static IN_CHILD int set_gid(struct child *child)
{
	gid_t gid = child->spec->gid;

	return asked(child, REEVE_PROCESS_SET_GID) ? CALL(SYS_setresgid, gid, gid, gid) : 0;
}

static IN_CHILD int set_uid(struct child *child)
{
	uid_t uid = child->spec->uid;

	return asked(child, REEVE_PROCESS_SET_UID) ? CALL(SYS_setresuid, uid, uid, uid) : 0;
}

static IN_CHILD int enter_directory(struct child *child)
{
	if (asked(child, REEVE_PROCESS_SET_DIRECTORY_FD))
		return CALL(SYS_fchdir, child->directory_fd);
	return child->spec->directory ? CALL(SYS_chdir, child->spec->directory) : 0;
}

static IN_CHILD int enter_directory_as_caller(struct child *child)
{
	return asked(child, REEVE_PROCESS_DIRECTORY_AS_CALLER) ? enter_directory(child) : 0;
}

static IN_CHILD int enter_directory_as_user(struct child *child)
{
	return asked(child, REEVE_PROCESS_DIRECTORY_AS_CALLER) ? 0 : enter_directory(child);
}

static IN_CHILD int set_umask(struct child *child)
{
	if (asked(child, REEVE_PROCESS_SET_UMASK))
		CALL(SYS_umask, child->spec->umask);
	return 0;
}

/* After the last change of user or group, which takes the signal away again. */
static IN_CHILD int ask_for_parent_death_signal(struct child *child)
{
	int r;

	if (child->spec->parent_death_signal == 0)
		return 0;
	r = CALL(SYS_prctl, PR_SET_PDEATHSIG, child->spec->parent_death_signal);
	if (r < 0)
		return r;
	return CALL(SYS_getppid) == child->parent ? 0 : -ESRCH;
}

/* --- Signals ---------------------------------------------------------------------------------- */

/* 32 and 33: nobody means them to be ignored, but GNU make 4.3 hands them down so. */
static IN_CHILD bool is_the_c_librarys(int signal)
{
	return signal == 32 || signal == 33;
}

static IN_CHILD int set_disposition(struct child *child, int signal)
{
	union disposition old = { 0 }, new = { .handler = SIG_DFL };

	if (child->spec->ignored >> (signal - 1) & 1) {
		new.handler = SIG_IGN;
	} else if (asked(child, REEVE_PROCESS_KEEP_IGNORED) && !is_the_c_librarys(signal)) {
		if (!child->must_clear_handlers)
			return 0;
		CALL(SYS_rt_sigaction, signal, 0, &old, sizeof(reeve_signal_set));
		if (old.handler == SIG_IGN)
			return 0;
	}
	return CALL(SYS_rt_sigaction, signal, &new, 0, sizeof(reeve_signal_set));
}

/* Handlers are gone by CLONE_CLEAR_SIGHAND; what is ignored stays so unless it is reset one by
 * one. */
static IN_CHILD int reset_signals(struct child *child)
{
	int r = 0;

	for (int signal = 1; r == 0 && signal <= N_SIGNALS; signal++)
		if (signal != SIGKILL && signal != SIGSTOP)
			r = set_disposition(child, signal);
	return r == 0 ? CALL(SYS_rt_sigprocmask, SIG_SETMASK, &child->mask, 0, sizeof child->mask)
		      : r;
}

/* --- Execution -------------------------------------------------------------------------------- */

static IN_CHILD int execute(struct child *child)
{
	const char *path = child->search_path;
	bool refused = false;
	int r = -ENOENT;

	if (asked(child, REEVE_PROCESS_SET_EXECUTABLE_FD))
		return CALL(SYS_execveat, child->executable_fd, "", child->argv, child->environment,
			AT_EMPTY_PATH);
	if (!path)
		return CALL(SYS_execve, child->executable, child->argv, child->environment);
	while (path_search_next(
		&path, child->executable, child->candidate, sizeof child->candidate)) {
		r = CALL(SYS_execve, child->candidate, child->argv, child->environment);
		if (!path_search_goes_on(r))
			return r;
		refused |= r == -EACCES;
	}
	return refused ? -EACCES : -ENOENT;
}

static const struct {
	enum reeve_process_stage stage;
	int (*run)(struct child *child);
} steps[] = {
	{ REEVE_PROCESS_STAGE_CLONE, tell_pid },
	{ REEVE_PROCESS_STAGE_CLOSE_REST, leave_table },
	{ REEVE_PROCESS_STAGE_CGROUP, join_cgroup },
	{ REEVE_PROCESS_STAGE_SESSION, start_session },
	{ REEVE_PROCESS_STAGE_PROCESS_GROUP, join_process_group },
	{ REEVE_PROCESS_STAGE_TERMINAL, take_terminal },
	{ REEVE_PROCESS_STAGE_NICE, set_nice },
	{ REEVE_PROCESS_STAGE_OOM_SCORE_ADJ, set_oom_score_adj },
	{ REEVE_PROCESS_STAGE_CLOSE_REST, mark_rest },
	{ REEVE_PROCESS_STAGE_DESCRIPTOR, map_descriptors },
	{ REEVE_PROCESS_STAGE_CLOSE_REST, close_rest },
	{ REEVE_PROCESS_STAGE_LIMIT, set_limits },
	{ REEVE_PROCESS_STAGE_DIRECTORY, enter_directory_as_caller },
	{ REEVE_PROCESS_STAGE_GROUPS, set_groups },
	{ REEVE_PROCESS_STAGE_GID, set_gid },
	{ REEVE_PROCESS_STAGE_UID, set_uid },
	{ REEVE_PROCESS_STAGE_DIRECTORY, enter_directory_as_user },
	{ REEVE_PROCESS_STAGE_NONE, set_umask },
	{ REEVE_PROCESS_STAGE_PARENT_DEATH, ask_for_parent_death_signal },
	{ REEVE_PROCESS_STAGE_SIGNALS, reset_signals },
	{ REEVE_PROCESS_STAGE_EXEC, execute },
};

IN_CHILD int child_run(void *argument)
{
	struct child *child = argument;
	int r;

	child->report->began = true;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		child->index = 0;
		r = steps[i].run(child);
		if (r < 0) {
			child->report->stage = steps[i].stage;
			child->report->index = child->index;
			child->report->error = r;
			break;
		}
	}
	return 127;
}
