/* reeve/process.h - start programs, wait for them, stop them, and leave no zombie behind.
 *
 * A program is started from one description, by a clone that costs the same whatever the caller's
 * size. Whatever goes wrong, up to and including execve(2) in the child, is the result of the call
 * itself: an errno, the stage that failed, and which entry of a list it was.
 *
 * A started process is a handle that holds a pidfd(2), so that no signal and no wait ever reaches a
 * stranger that was given the same pid. The library waits only for processes that it was asked for:
 * it never takes the status of another library's child, and one whose status somebody else took has
 * an outcome too: REEVE_PROCESS_UNKNOWN.
 *
 * Between fork and exec nothing but system calls happen, all signals are blocked in the calling
 * thread, and memory is shared with the child (the caller's thread waits meanwhile) unless the
 * child changes its user or group.
 *
 * Thread-safe: different handles may be used from different threads at once; one handle from one
 * thread at a time, but for reeve_process_signal(). Nothing here is async-signal-safe unless it
 * says so. After fork(2) the child's copies of handles are no longer its children: they can be
 * waited for, with an unknown outcome.
 *
 * Manual page: reeve_process(3). */
#ifndef REEVE_PROCESS_H
#define REEVE_PROCESS_H

#include <sys/resource.h>

#include "reeve/base.h"
#include "reeve/signal.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The longest lists that a description may have. */
#define REEVE_PROCESS_DESCRIPTORS_MAX 1024
#define REEVE_PROCESS_LIMITS_MAX 64
#define REEVE_PROCESS_GROUPS_MAX 65536
#define REEVE_PROCESS_PIPELINE_MAX 256
/* How many functions reeve_process_before_reap() takes. */
#define REEVE_PROCESS_REAP_HOOKS_MAX 8

struct reeve_loop;
struct reeve_process;

/* --- What to start ---------------------------------------------------------------------------- */

/* `flags` of a description. REEVE_PROCESS_SET_X: the member x counts, zero too; without it the
 * child inherits. */
#define REEVE_PROCESS_SET_UID (1u << 0)
#define REEVE_PROCESS_SET_GID (1u << 1)
#define REEVE_PROCESS_SET_GROUPS (1u << 2)
#define REEVE_PROCESS_SET_UMASK (1u << 3)
#define REEVE_PROCESS_SET_NICE (1u << 4)
#define REEVE_PROCESS_SET_OOM_SCORE_ADJ (1u << 5)
#define REEVE_PROCESS_SET_CGROUP (1u << 6)
#define REEVE_PROCESS_SET_PROCESS_GROUP (1u << 7)
#define REEVE_PROCESS_SET_TERMINAL (1u << 8)
#define REEVE_PROCESS_SET_DIRECTORY_FD (1u << 9)
#define REEVE_PROCESS_SET_EXECUTABLE_FD (1u << 10)
/* setsid(2): the child leads a new session and process group, without a controlling terminal. */
#define REEVE_PROCESS_NEW_SESSION (1u << 11)
/* The child gets 0, 1, 2 and the targets of `descriptors`; every other one is closed, at a cost
 * that does not depend on how many there could be. Without it the child inherits what is not
 * close-on-exec. */
#define REEVE_PROCESS_CLOSE_REST (1u << 12)
/* Enter the directory with the caller's user and groups, before they are changed. Without it the
 * new user enters it, and must be allowed to. */
#define REEVE_PROCESS_DIRECTORY_AS_CALLER (1u << 13)
/* The child gets the calling thread's signal mask. Without it, `mask`. */
#define REEVE_PROCESS_KEEP_MASK (1u << 14)
/* What the caller ignores stays ignored, but for the C library's own 32 and 33. Without it every
 * signal has its default disposition in the child, which costs it some 60 system calls. */
#define REEVE_PROCESS_KEEP_IGNORED (1u << 15)
/* Look a name without a slash up in the caller's PATH. Without it, in the PATH of the child's
 * environment. Where there is none, in "/bin:/usr/bin". */
#define REEVE_PROCESS_SEARCH_CALLER_PATH (1u << 16)
/* A name without a slash is a file in the child's directory: no search. */
#define REEVE_PROCESS_NO_SEARCH (1u << 17)
/* The process becomes a child of the caller's parent, which reaps it and gets its SIGCHLD
 * (CLONE_PARENT). The handle can signal it and see it end, with an unknown outcome. -EINVAL for the
 * first process of a pid namespace. */
#define REEVE_PROCESS_SIBLING (1u << 18)

/* One entry of the descriptor map: the child's descriptor `to` is the caller's `from`. All entries
 * take effect at once, so { 3, 4 }, { 4, 3 } swaps. No two entries have the same `to`. The
 * close-on-exec flag of `from` does not matter. */
struct reeve_process_descriptor {
	int from; /* a descriptor, or one of the two below */
	int to;
};
#define REEVE_PROCESS_DEV_NULL (-1) /* /dev/null, for reading and writing */
#define REEVE_PROCESS_CLOSED (-2)   /* nothing: `to` is closed in the child */

/* One resource limit, as setrlimit(2) takes it. */
struct reeve_process_limit {
	int resource; /* RLIMIT_NOFILE, ... */
	struct rlimit limit;
};

/* What to start, and how. All-zero but for `argv` or `shell` is a good description: the caller's
 * environment, directory, user and descriptors, default signal state. Everything it points to is
 * borrowed for the call only. */
struct reeve_process_spec {
	unsigned flags;

	/* Exactly one of these two. argv ends with NULL and has at least one entry. */
	const char *const *argv;
	const char *shell; /* a line for `/bin/sh -c` */

	const char *executable; /* what is executed; NULL: argv[0], or /bin/sh */
	/* SET_EXECUTABLE_FD: execveat(2) of this open file instead. A script needs one that is not
	 * close-on-exec, or its interpreter cannot open it (-ENOENT). */
	int executable_fd;
	const char *const *environment; /* "NAME=value"..., NULL; or NULL: the caller's */

	const char *directory; /* NULL: the caller's */
	int directory_fd;      /* SET_DIRECTORY_FD: instead of `directory` */

	uid_t uid; /* real, effective, saved. Supplementary groups and gid are changed before it */
	gid_t gid;
	const gid_t *groups; /* SET_GROUPS: exactly these, none if group_count is 0 */
	size_t group_count;

	mode_t umask;
	int nice; /* the niceness itself, -20 to 19, not an increment */
	int oom_score_adj;
	int cgroup_fd; /* an open cgroup v2 directory, of which the child is a member from birth */
	const struct reeve_process_limit *limits;
	size_t limit_count;

	pid_t process_group; /* one to join, or 0 to lead a new one */
	int terminal_fd;     /* SET_TERMINAL: becomes the controlling terminal; needs NEW_SESSION */

	/* Made under the caller's RLIMIT_NOFILE, before `limits`. */
	const struct reeve_process_descriptor *descriptors;
	size_t descriptor_count;

	reeve_signal_set mask;    /* the child's signal mask */
	reeve_signal_set ignored; /* signals that the child ignores */

	/* The signal that the child gets when its parent dies; 0: none. Trap: to the kernel the
	 * parent is the *thread* that called spawn, so spawn from one that lives as long as the
	 * process. A set-user-ID, set-group-ID or capability-gaining program clears it. A parent
	 * that died before it was set is noticed: no program runs. */
	int parent_death_signal;

	/* NULL, or where the kernel writes the pid before the child runs its first instruction: in
	 * shared memory, so that even a caller killed in mid-call leaves no child that nobody knows
	 * of. Set to 0 first; 0 again after a failure whose child was reaped. */
	pid_t *shared_pid;
};

/* --- Starting --------------------------------------------------------------------------------- */

/* What a spawn does, in order. X(identifier, name, what it is to do) */
#define REEVE_PROCESS_STAGES(X)                                                                    \
	X(NONE, "none", "nothing failed")                                                          \
	X(PREPARE, "prepare", "understand the description")                                        \
	X(CLONE, "clone", "create the process")                                                    \
	X(CGROUP, "cgroup", "join the control group")                                              \
	X(SESSION, "session", "start a session")                                                   \
	X(PROCESS_GROUP, "process-group", "join the process group")                                \
	X(TERMINAL, "terminal", "take the controlling terminal")                                   \
	X(NICE, "nice", "change the niceness")                                                     \
	X(OOM_SCORE_ADJ, "oom-score-adj", "change the OOM score")                                  \
	X(DESCRIPTOR, "descriptor", "set up a descriptor")                                         \
	X(CLOSE_REST, "close-rest", "close the other descriptors")                                 \
	X(LIMIT, "limit", "set a resource limit")                                                  \
	X(GROUPS, "groups", "set the supplementary groups")                                        \
	X(GID, "gid", "change the group")                                                          \
	X(UID, "uid", "change the user")                                                           \
	X(DIRECTORY, "directory", "enter the directory")                                           \
	X(PARENT_DEATH, "parent-death", "ask for the parent-death signal")                         \
	X(SIGNALS, "signals", "reset the signals")                                                 \
	X(EXEC, "exec", "execute the program")

enum reeve_process_stage {
#define REEVE_PROCESS_STAGE_ENUM(identifier, name, text) REEVE_PROCESS_STAGE_##identifier,
	REEVE_PROCESS_STAGES(REEVE_PROCESS_STAGE_ENUM)
#undef REEVE_PROCESS_STAGE_ENUM
		REEVE_PROCESS_N_STAGES
};

/* Where a spawn failed. */
struct reeve_process_failure {
	int error; /* the negative errno that the call returned */
	enum reeve_process_stage stage;
	size_t index;   /* DESCRIPTOR, LIMIT: the entry; 0 otherwise */
	size_t program; /* reeve_process_pipeline(): the description; 0 otherwise */
	/* The process that failed, with exit status 127; 0 if there was none. A sibling is left to
	 * its parent to reap; any other is gone already. */
	pid_t pid;
};

/* Start the program that `spec` describes, and learn of a failed exec before returning.
 *
 *   spec     borrowed for the call only
 *   failure  NULL, or where to tell what failed; written on failure only
 *   ret      on success a handle, to be released with reeve_process_free(); untouched on failure
 *
 * Returns 0, or what the failed stage gives: PREPARE -EINVAL, -E2BIG (a list too long), -ENOMEM;
 * CLONE -EAGAIN at the process limit, -ENOMEM, -EMFILE, -ENFILE; EXEC -ENOENT, -EACCES, -ENOEXEC,
 * -E2BIG, ... exactly as execve(2) failed; others as the call that the stage's name says. The
 * caller's signal mask, errno, umask and directory are as before.
 *
 * Blocks until the child executes the program or fails: who stops the child in between stops the
 * caller's thread, too. See clone(2), execve(2), posix_spawn(3). */
REEVE_API int reeve_process_spawn(const struct reeve_process_spec *spec,
	struct reeve_process_failure *failure, struct reeve_process **ret);

/* The same in two steps, so that several children can be on their way to their programs at once.
 *
 * begin() returns when there is a child: the handle counts, `spec->shared_pid` is written. Until
 * finish() has returned, all that `spec` points to must stay as it is (`spec` itself, too), and the
 * descriptors that it names must stay open. What fails before there is a child is told by begin(), as
 * above; what fails in the child by finish(), with the pid: it exits with status 127 then, and is
 * waited for as any other.
 *
 * A child that changes its user or group, joins a cgroup, is to be looked for in PATH, or sets
 * oom_score_adj is waited for by begin(), and so is each where clone3(2) is not to be had.
 *
 * finish() is for the thread that began, blocks as spawn() does, and returns as it; -EINVAL: the
 * process was not begun, or finished already. reeve_process_free() finishes what is not. */
REEVE_API int reeve_process_spawn_begin(const struct reeve_process_spec *spec,
	struct reeve_process_failure *failure, struct reeve_process **ret);
REEVE_API int reeve_process_spawn_finish(
	struct reeve_process *process, struct reeve_process_failure *failure);

/* Start `count` programs, standard output of each joined to standard input of the next, as a
 * shell's `|` does. What the descriptions say of those descriptors is an error (PREPARE, -EINVAL),
 * but for the first one's input and the last one's output. If the first one has
 * REEVE_PROCESS_SET_PROCESS_GROUP with 0, the others that have too join its group. `ret` has room
 * for `count` handles. If one cannot be started, those before it are killed and reaped, and
 * `ret` holds no handle. */
REEVE_API int reeve_process_pipeline(const struct reeve_process_spec *specs, size_t count,
	struct reeve_process_failure *failure, struct reeve_process **ret);

/* "exec"; "execute the program". Never NULL. Async-signal-safe. */
REEVE_API const char *reeve_process_stage_name(enum reeve_process_stage stage);
REEVE_API const char *reeve_process_stage_text(enum reeve_process_stage stage);

/* --- Handles ---------------------------------------------------------------------------------- */

/* A handle on a process that somebody else started (or this one by other means): one that is no
 * child of the caller ends with an unknown outcome. -ESRCH, -EINVAL, -EMFILE, -ENFILE, -ENOMEM.
 * Only if the caller knows that `pid` has not been reaped yet is it sure to be the process that was
 * meant. See pidfd_open(2). */
REEVE_API int reeve_process_adopt(pid_t pid, struct reeve_process **ret);

/* The same from a pidfd, which belongs to the handle on success. -EBADF where it is no pidfd,
 * -ESRCH where the process has been reaped, -ENOMEM. */
REEVE_API int reeve_process_adopt_fd_take(int pidfd, struct reeve_process **ret);

/* Release a handle; NULL is fine. The process goes on: a child that was not waited for yet is
 * remembered, and reaped by a later call of the library. Returns NULL. */
REEVE_API struct reeve_process *reeve_process_free(struct reeve_process *process);

/* Its pid: that of nobody else as long as it has not been waited for. */
REEVE_API pid_t reeve_process_pid(const struct reeve_process *process);

/* Its pidfd, readable when the process has ended; the handle's own: poll it, don't close it. */
REEVE_API int reeve_process_fd(const struct reeve_process *process);

/* Whether the process has not ended yet. */
REEVE_API bool reeve_process_is_alive(const struct reeve_process *process);

/* --- Waiting ---------------------------------------------------------------------------------- */

enum reeve_process_how {
	REEVE_PROCESS_EXITED = 1, /* `status` is the exit status, 0 to 255 */
	REEVE_PROCESS_SIGNALLED,  /* `status` is the signal that ended it; `core`: with a dump */
	REEVE_PROCESS_STOPPED,    /* `status` is the signal that stopped it */
	REEVE_PROCESS_CONTINUED,  /* `status` is SIGCONT */
	REEVE_PROCESS_UNKNOWN     /* it has ended, but its status was somebody else's to take */
};

struct reeve_process_outcome {
	enum reeve_process_how how;
	int status;
	bool core;
	pid_t pid;
	uid_t uid;           /* its real user when it ended */
	struct rusage usage; /* its own and its waited-for children's; zero where unknown */
};

/* What to wait for; with PEEK the status is left to be taken by a later call, so that a process that
 * has ended keeps its pid, and `usage` is zero. */
#define REEVE_PROCESS_WAIT_ENDED (1u << 0)
#define REEVE_PROCESS_WAIT_STOPPED (1u << 1)
#define REEVE_PROCESS_WAIT_CONTINUED (1u << 2)
#define REEVE_PROCESS_WAIT_PEEK (1u << 3)

/* Wait until the process has ended, and reap it. Again later gives the same outcome at once. `ret`
 * may be NULL. Returns 0; -ETIMEDOUT; -EINTR (reeve/signal.h). See waitid(2). */
REEVE_API int reeve_process_wait(
	struct reeve_process *process, reeve_nsec timeout, struct reeve_process_outcome *ret);

/* Wait for any of `events` (REEVE_PROCESS_WAIT_...). As reeve_process_wait(), and -EINVAL, -ECHILD
 * where the process is no child of the caller and something else than its end is asked for. */
REEVE_API int reeve_process_wait_events(struct reeve_process *process, unsigned events,
	reeve_nsec timeout, struct reeve_process_outcome *ret);

/* Wait until one of `count` processes has ended, and reap it: the first in the array if there are
 * several. NULL entries are skipped, and so are those that have been waited for. Returns 0; -ECHILD
 * if none is left to wait for; -ETIMEDOUT; -EINTR; -ENOMEM. */
REEVE_API int reeve_process_wait_any(struct reeve_process *const *processes, size_t count,
	reeve_nsec timeout, size_t *ret_index, struct reeve_process_outcome *ret);

/* wait(2), waitpid(2), wait3(2) and wait4(2) in one, for processes without a handle. `pid` > 0:
 * that child; -1: any child, other libraries' too; 0: any of the caller's process group; < -1: any
 * of the process group -pid. A handle whose process is reaped so keeps the outcome. Returns the
 * pid; -ECHILD; -ETIMEDOUT; -EINTR; -EINVAL; -ENOMEM, -EAGAIN where the timeout is finite and not
 * 0. */
REEVE_API pid_t reeve_process_wait_pid(
	pid_t pid, unsigned events, reeve_nsec timeout, struct reeve_process_outcome *ret);

/* Call `callback` once from the loop when the process has ended and was reaped; the handle may be
 * freed in it. The watch ends with it, with reeve_process_unwatch(), or with the handle, which must
 * go before the loop. Returns 0; -EBUSY if it is watched already; -ENOMEM, or as
 * reeve_loop_add_fd() fails. */
typedef void reeve_process_callback(
	struct reeve_process *process, const struct reeve_process_outcome *outcome, void *data);
REEVE_API int reeve_process_watch(struct reeve_process *process, struct reeve_loop *loop,
	reeve_process_callback *callback, void *data);
REEVE_API void reeve_process_unwatch(struct reeve_process *process);

/* "exited with status 3", "was killed by SIGSEGV (core dumped)"...: as snprintf(3), cut to `size`;
 * returns the full length. */
REEVE_API size_t reeve_process_outcome_text(
	const struct reeve_process_outcome *outcome, char *buffer, size_t size);

/* --- Signals, and stopping -------------------------------------------------------------------- */

/* Send a signal (0: only look whether it could be) to the process, never to a stranger with its
 * pid. From any thread, while others wait for the process. Returns 0; -ESRCH when it has ended;
 * -EPERM; -EINVAL. See pidfd_send_signal(2). */
REEVE_API int reeve_process_signal(struct reeve_process *process, int signal);

/* The same to every member of the group that the process leads, also after its end as long as it
 * was not reaped (from Linux 6.9 on, after that too). -ESRCH when there is none. See kill(2). */
REEVE_API int reeve_process_signal_group(struct reeve_process *process, int signal);

/* The same to every process in an open cgroup v2 directory and below (SIGKILL: at once, by
 * cgroup.kill, where the kernel has it). -ESRCH when there is none; -ENOENT, -EACCES, ... as
 * openat(2) of its files. */
REEVE_API int reeve_process_signal_cgroup(int cgroup_fd, int signal);

enum reeve_process_target {
	REEVE_PROCESS_TARGET_PROCESS,
	REEVE_PROCESS_TARGET_GROUP, /* the process must lead it */
	REEVE_PROCESS_TARGET_CGROUP
};

/* Send `signal`, then give the process `wait` to end. */
struct reeve_process_stop_step {
	int signal;
	reeve_nsec wait;
};

struct reeve_process_stop_plan {
	enum reeve_process_target target;
	int cgroup_fd; /* REEVE_PROCESS_TARGET_CGROUP */
	const struct reeve_process_stop_step *steps;
	size_t step_count; /* 0: SIGKILL at once */
};

/* Stop a process: the steps in order until it ends, then SIGKILL and `timeout`. A stopped process
 * is continued, so that it can act on the signal. When it has ended, what is left of the target
 * group or cgroup gets SIGKILL before the process is reaped. Returns 0; -ETIMEDOUT if it outlived
 * even that; -EINTR; -EINVAL; -EPERM. */
REEVE_API int reeve_process_stop(struct reeve_process *process,
	const struct reeve_process_stop_plan *plan, reeve_nsec timeout,
	struct reeve_process_outcome *ret);

/* --- Orphans ---------------------------------------------------------------------------------- */

/* Become (or cease to be) the parent of descendants whose own parent dies. See prctl(2),
 * PR_SET_CHILD_SUBREAPER. */
REEVE_API int reeve_process_set_subreaper(bool on);
REEVE_API int reeve_process_get_subreaper(bool *ret);

/* Whether to reap this dead child, which was looked at but not taken. */
typedef bool reeve_process_orphan_callback(const struct reeve_process_outcome *outcome, void *data);

/* Reap dead children that have no handle, those for which `callback` returns true (NULL: all).
 * Children of other libraries are theirs if the callback leaves them. Never blocks. Returns how
 * many were reaped, or a negative errno. */
REEVE_API int reeve_process_reap_orphans(reeve_process_orphan_callback *callback, void *data);

/* Have `hook` called with each process that the library is about to reap, while it is a zombie: its
 * pid is still its own, its locks are released already. The place to recover what it held. Returns
 * 0; -EEXIST; -ENOSPC. */
typedef void reeve_process_reap_hook(pid_t pid, void *data);
REEVE_API int reeve_process_before_reap(reeve_process_reap_hook *hook, void *data);
/* Take it out again: 0, or -ENOENT. It may still be running in another thread. */
REEVE_API int reeve_process_before_reap_remove(reeve_process_reap_hook *hook, void *data);

/* --- The plain calls -------------------------------------------------------------------------- */

/* fork(2): 0 in the child, its pid in the parent, -EAGAIN, -ENOMEM. In a program with threads the
 * child may only call async-signal-safe functions until it executes something. */
REEVE_API pid_t reeve_process_fork(void);

/* Replace the program. Return only on failure, a negative errno. environment NULL: the caller's.
 * _search looks `name` up in the caller's PATH. Async-signal-safe, but for _search if another
 * thread changes the environment. See execve(2), execveat(2), execvp(3). */
REEVE_API int reeve_process_exec(
	const char *path, const char *const *argv, const char *const *environment);
REEVE_API int reeve_process_exec_search(
	const char *name, const char *const *argv, const char *const *environment);
REEVE_API int reeve_process_exec_fd(
	int fd, const char *const *argv, const char *const *environment);

/* Find what executing `name` would run: itself if it has a slash, otherwise in the directories of
 * `path` ("/bin:/usr/bin"; NULL: the caller's PATH). `buffer` gets its path, also where the error
 * is about a file that was found. Returns 0; -ENOENT (buffer untouched); -EISDIR: a directory;
 * -EACCES: not executable for the caller, or a directory on the way that can't be searched;
 * -ENAMETOOLONG; -EINVAL for an empty name. */
REEVE_API int reeve_process_find_executable(
	const char *name, const char *path, char *buffer, size_t size);

#ifdef __cplusplus
}
#endif

#endif
