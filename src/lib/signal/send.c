/* Sending: to a process, a group, a thread, a pidfd; with a value or without. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/sys.h"
#include "reeve/signal.h"

/* SIGKILL and SIGSTOP can be sent, and 0 asks. */
static int check_sendable(int signo)
{
	int r = signo == 0 ? 0 : reeve_signal_check(signo);

	return r == -EPERM ? 0 : r;
}

static int check_target(pid_t pid, int signo)
{
	int r = check_sendable(signo);

	return r == 0 && pid <= 0 ? -ESRCH : r;
}

static int result(int r)
{
	return r < 0 ? -errno : 0;
}

static siginfo_t queued(int signo, intptr_t value)
{
	siginfo_t info;

	memset(&info, 0, sizeof info);
	info.si_signo = signo;
	info.si_code = SI_QUEUE;
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_ptr = (void *)value;
	return info;
}

int reeve_signal_send(pid_t pid, int signo)
{
	int r = check_target(pid, signo);

	return r < 0 ? r : result(sys_kill(pid, signo));
}

int reeve_signal_send_group(pid_t group, int signo)
{
	int r = check_sendable(signo);

	if (r < 0)
		return r;
	if (group < 0 || group == 1) /* kill(-1) is everybody */
		return -ESRCH;
	return result(sys_kill(-group, signo));
}

int reeve_signal_send_thread(pid_t pid, pid_t tid, int signo)
{
	int r = check_target(pid < tid ? pid : tid, signo);

	return r < 0 ? r : result(sys_tgkill(pid, tid, signo));
}

int reeve_signal_send_pidfd(int pidfd, int signo)
{
	int r = check_sendable(signo);

	return r < 0 ? r : result(sys_pidfd_send_signal(pidfd, signo, NULL, 0));
}

int reeve_signal_queue(pid_t pid, int signo, intptr_t value)
{
	int r = check_target(pid, signo);
	siginfo_t info = queued(signo, value);

	return r < 0 ? r : result(sys_rt_sigqueueinfo(pid, signo, &info));
}

int reeve_signal_queue_thread(pid_t pid, pid_t tid, int signo, intptr_t value)
{
	int r = check_target(pid < tid ? pid : tid, signo);
	siginfo_t info = queued(signo, value);

	return r < 0 ? r : result(sys_rt_tgsigqueueinfo(pid, tid, signo, &info));
}

int reeve_signal_queue_pidfd(int pidfd, int signo, intptr_t value)
{
	int r = check_sendable(signo);
	siginfo_t info = queued(signo, value);

	return r < 0 ? r : result(sys_pidfd_send_signal(pidfd, signo, &info, 0));
}

int reeve_signal_raise(int signo)
{
	if (reeve_signal_get_mode() == REEVE_SIGNAL_HANDLER)
		return reeve_signal_send_thread(getpid(), gettid(), signo);
	return reeve_signal_send(getpid(), signo);
}
