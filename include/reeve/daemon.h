/* reeve/daemon.h - become a daemon step by step, tell the starter when it is ready, hold a pid file, and speak
 * to a service manager.
 *
 * See daemon(7), sd_notify(3), reeve_daemon(3). Not async-signal-safe. */
#ifndef REEVE_DAEMON_H
#define REEVE_DAEMON_H

#include "reeve/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- becoming a daemon --------------------------------------------------------------------------------- */

/* Hard caps: descriptors that one call keeps open, bytes of a report's message with its NUL. */
#define REEVE_DAEMON_KEEP_MAX 256
#define REEVE_DAEMON_MESSAGE_MAX 256

/* The steps in their order. Each can be left out, so that the sequence fits what the program needs. */
enum reeve_daemon_step {
	REEVE_DAEMON_STEP_NONE,         /* no step failed */
	REEVE_DAEMON_STEP_FORK,         /* fork: the starter's shell does not wait for the daemon */
	REEVE_DAEMON_STEP_SESSION,      /* setsid: no controlling terminal, a process group of its own */
	REEVE_DAEMON_STEP_SECOND_FORK,  /* fork: no session leader, so no terminal can be acquired later */
	REEVE_DAEMON_STEP_SIGNALS,      /* all dispositions default, nothing blocked */
	REEVE_DAEMON_STEP_UMASK,
	REEVE_DAEMON_STEP_DIRECTORY,
	REEVE_DAEMON_STEP_STDIO,        /* 0, 1, 2 on /dev/null */
	REEVE_DAEMON_STEP_DESCRIPTORS   /* close the rest */
};

enum reeve_daemon_flags {
	REEVE_DAEMON_ONE_FORK = 1 << 0,          /* leave out the second fork: the daemon leads its session */
	REEVE_DAEMON_KEEP_SIGNALS = 1 << 1,      /* leave dispositions and mask as they are */
	REEVE_DAEMON_KEEP_UMASK = 1 << 2,
	REEVE_DAEMON_KEEP_DIRECTORY = 1 << 3,
	REEVE_DAEMON_KEEP_STDIO = 1 << 4,        /* leave 0, 1, 2 as they are */
	REEVE_DAEMON_KEEP_DESCRIPTORS = 1 << 5   /* leave all other descriptors open */
};

/* All zero is the whole sequence: umask 0, directory "/", no wait. Borrowed for the call only. */
struct reeve_daemon_spec {
	unsigned flags;          /* enum reeve_daemon_flags */
	mode_t umask;
	const char *directory;   /* NULL: "/" */
	const int *keep;         /* descriptors to keep as they are, `keep_count` of them, in any order */
	size_t keep_count;

	/* How long the starter waits for the daemon's report; REEVE_FOREVER: without limit; 0: for nothing but
	 * the success of the steps. */
	reeve_nsec timeout;
};

/* What the starter learns. */
struct reeve_daemon_report {
	pid_t pid;                        /* the daemon's; 0 where it never came to be */
	int status;                       /* as the daemon reported: 0 ready, else 1 to 255, for exit(3) */
	enum reeve_daemon_step failed;    /* the step that failed */
	char message[REEVE_DAEMON_MESSAGE_MAX];
};

/* The daemon's end: what it needs to report. */
struct reeve_daemon;

/* Become a daemon. Returns in two processes, as fork(2) does:
 *
 *   in the daemon    0, with *ret written: call reeve_daemon_report() when it is ready, or has failed
 *   in the starter   1, with *report written, when the daemon has reported (look at report->status), or with a
 *                    timeout of 0 when it has taken its steps
 *   in the starter   a negative errno, with *report written as far as it is known:
 *                    of the step that report->failed names, in whichever process it failed: the daemon is no
 *                    more; -ETIMEDOUT: no report in time, the daemon goes on (report->pid; its report, when
 *                    it comes, goes nowhere); -EPIPE: the daemon ended, or freed its end, without a report;
 *                    -EINTR: as timed out, after an interrupting signal; -EINVAL, -ENOMEM, -EMFILE...:
 *                    nothing was done.
 *
 * To be called while the process has one thread: the others do not survive fork(2). Standard I/O is flushed
 * first. The intermediate process is reaped here, or left alone where somebody else did; with one fork the daemon is
 * the starter's child, to be waited for by a starter that goes on. Descriptors are closed by close_range(2): the cost does not depend on the limit. With the signals reset, handlers that
 * reeve/signal.h has installed are gone: become a daemon first, subscribe afterwards.
 *
 * A daemon that must not report just calls reeve_daemon_free(); the starter's answer is then -EPIPE. */
REEVE_API int reeve_daemon_start(const struct reeve_daemon_spec *spec, struct reeve_daemon **ret,
	struct reeve_daemon_report *report);

/* Tell the starter: `status` 0 means ready, 1 to 255 failed (the starter's exit status, by custom), with a
 * message for its user (NULL: none; what exceeds REEVE_DAEMON_MESSAGE_MAX is cut). Only the first report
 * counts. A starter that is gone is no error and raises no SIGPIPE.
 *
 * Returns 0, or -EINVAL for another status, -EALREADY after the first report. */
REEVE_API int reeve_daemon_report(struct reeve_daemon *daemon, int status, const char *message);

/* Takes NULL; returns NULL. */
REEVE_API struct reeve_daemon *reeve_daemon_free(struct reeve_daemon *daemon);

/* "fork", "session", ... for messages; "unknown" for what is no step. Static, never NULL. */
REEVE_API const char *reeve_daemon_step_name(enum reeve_daemon_step step);

/* --- pid file ------------------------------------------------------------------------------------------ */

/* A file that holds "PID\n", and a lock on it that ends with the process (an open file description lock: it
 * passes on across fork(2), so the file can be opened before reeve_daemon_start() and written after it).
 * A file left over by a killed process holds no lock and is taken over. */
struct reeve_pid_file;

/* Open and lock `path`, creating it with mode 0644 less the umask. Old content is cleared once the lock is held:
 * nobody reads the pid of a process that is no more. A file that its last owner removes in the same moment is not
 * fallen for.
 *
 *   ret_owner   on -EBUSY the pid in the file, 0 where it holds none; NULL: not wanted
 *
 * Returns 0, or -EBUSY: already running; -EINVAL where `path` is no regular file, -ELOOP for a symbolic link,
 * -ESTALE where others keep removing the file, or what open(2) failed with. */
REEVE_API int reeve_pid_file_open(const char *path, struct reeve_pid_file **ret, pid_t *ret_owner);

/* Write the calling process's pid; from now on it is the one that removes the file. To be called again after
 * fork(2), when the child is to own it. Returns 0, or -ENOSPC, -EIO, -EDQUOT, ... */
REEVE_API int reeve_pid_file_write(struct reeve_pid_file *file);

/* The descriptor that carries the lock, for struct reeve_daemon_spec's `keep`. */
REEVE_API int reeve_pid_file_fd(const struct reeve_pid_file *file);

/* The pid of the process that runs with `path` as its pid file, without disturbing it. Returns 0; or -ENOENT
 * where there is no file, -ESRCH where nobody holds it, -EBADMSG where it holds no pid, or what open(2)
 * failed with. */
REEVE_API int reeve_pid_file_owner(const char *path, pid_t *ret);

/* Let go of the file. It is removed where the calling process is the last that wrote it and it is still the one at
 * `path`; other processes just close their copy. Takes NULL; returns NULL. */
REEVE_API struct reeve_pid_file *reeve_pid_file_free(struct reeve_pid_file *file);

/* --- service manager ----------------------------------------------------------------------------------- */

/* These send to $NOTIFY_SOCKET (a path, or an abstract name with a leading '@'). Each returns 1 where the
 * message was sent, 0 where no socket is set, or a negative errno: -EINVAL for a malformed variable or
 * argument, -EMSGSIZE for a message too long, -ETIMEDOUT where the manager leaves its socket full for five seconds,
 * -ECONNREFUSED, -ENOENT, ... In a set-user-ID program the variables count as not set. Thread-safe as far as
 * nobody changes the environment. */

/* Lines of VARIABLE=value as sd_notify(3) has them. */
REEVE_API int reeve_notify(const char *state);

REEVE_API int reeve_notify_ready(void);
REEVE_API int reeve_notify_stopping(void);

/* RELOADING=1 with the time, as Type=notify-reload wants it; follow it with reeve_notify_ready(). */
REEVE_API int reeve_notify_reloading(void);

/* One line of text for people. -EINVAL where it has a line feed. */
REEVE_API int reeve_notify_status(const char *text);

REEVE_API int reeve_notify_main_pid(pid_t pid);

/* The pulse that a watchdog waits for. */
REEVE_API int reeve_notify_watchdog(void);

/* Whether the manager wants a pulse from this process ($WATCHDOG_USEC, $WATCHDOG_PID). Returns 1 with the
 * longest pause between two pulses in *ret (send at half of it), 0 where none is wanted, -EINVAL for a
 * malformed variable. */
REEVE_API int reeve_notify_watchdog_interval(reeve_nsec *ret);

/* The protocol of s6: write a line feed to the descriptor that the supervisor gave (its number is part of the
 * service's definition), and close it. A supervisor that is gone is -EPIPE, without SIGPIPE. The descriptor is
 * closed in every case. Returns 0, or -EBADF, -EPIPE, ... */
REEVE_API int reeve_notify_fd(int fd);

#ifdef __cplusplus
}
#endif

#endif
