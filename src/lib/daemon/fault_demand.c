#include "lib/daemon/fault_demand.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/fork.h"
#include "lib/base/sys.h"
#include "lib/daemon/fault_report.h"
#include "reeve/fault.h"
#include "reeve/signal.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* By signal number. */
static struct {
	bool registered;
	atomic_int fd;
	struct sigaction previous;
} demands[_NSIG];

/* The one timer of reeve_fault_dump_later(); timers are not inherited across fork(2). */
static struct {
	bool exists;
	timer_t id;
	int signo;
	unsigned generation;
} later;

static void on_demand(int signo, siginfo_t *info, void *context)
{
	int saved = errno;

	report_signal(atomic_load(&demands[signo].fd), info, context, false);
	errno = saved;
}

static int install(int signo)
{
	struct sigaction ours = { .sa_sigaction = on_demand, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
	struct sigaction previous;

	if (sys_sigaction(signo, &ours, &previous) < 0)
		return -errno;
	if (previous.sa_sigaction != on_demand)
		demands[signo].previous = previous;
	demands[signo].registered = true;
	return 0;
}

int reeve_fault_register(int signo, int fd)
{
	int r = reeve_signal_check(signo) < 0 || fault_is_fatal(signo) ? -EINVAL : fault_prepare(fd);

	if (r < 0)
		return r;
	pthread_mutex_lock(&lock);
	atomic_store(&demands[signo].fd, fd);
	if (!demands[signo].registered)
		r = install(signo);
	pthread_mutex_unlock(&lock);
	return r;
}

static bool is_registered(int signo)
{
	return signo > 0 && signo < _NSIG && demands[signo].registered;
}

static void cancel_locked(void)
{
	if (later.exists && later.generation == fork_generation())
		timer_delete(later.id);
	later.exists = false;
}

int reeve_fault_unregister(int signo)
{
	struct sigaction present;
	int r = -ENOENT;

	pthread_mutex_lock(&lock);
	if (is_registered(signo)) {
		if (later.exists && later.signo == signo)
			cancel_locked();
		if (sys_sigaction(signo, NULL, &present) == 0 && present.sa_sigaction == on_demand)
			sys_sigaction(signo, &demands[signo].previous, NULL);
		demands[signo].registered = false;
		r = 0;
	}
	pthread_mutex_unlock(&lock);
	return r;
}

static struct timespec as_timespec(reeve_nsec duration)
{
	return (struct timespec){ .tv_sec = duration / REEVE_SEC, .tv_nsec = duration % REEVE_SEC };
}

static int start_timer(int signo, reeve_nsec after, reeve_nsec interval)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = signo };
	struct itimerspec setting = { .it_value = as_timespec(after), .it_interval = as_timespec(interval) };
	timer_t id;
	int r;

	event.sigev_notify_thread_id = gettid();
	if (sys_timer_create(CLOCK_MONOTONIC, &event, &id) < 0)
		return -errno;
	if (sys_timer_settime(id, 0, &setting, NULL) < 0) {
		r = -errno;
		timer_delete(id);
		return r;
	}
	later.id = id;
	later.signo = signo;
	later.generation = fork_generation();
	later.exists = true;
	return 0;
}

int reeve_fault_dump_later(int signo, reeve_nsec after, reeve_nsec interval)
{
	int r;

	if (after <= 0 || interval < 0)
		return -EINVAL;
	r = fork_watch();
	if (r < 0)
		return r;
	pthread_mutex_lock(&lock);
	cancel_locked();
	r = is_registered(signo) ? start_timer(signo, after, interval) : -ENOENT;
	pthread_mutex_unlock(&lock);
	return r;
}

void reeve_fault_cancel_dump_later(void)
{
	pthread_mutex_lock(&lock);
	cancel_locked();
	pthread_mutex_unlock(&lock);
}
