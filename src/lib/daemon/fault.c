/* The handlers. All of their state is written before they are installed, and read only. */
#include "reeve/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/alternate_stack.h"
#include "lib/base/sys.h"
#include "lib/daemon/fault_demand.h"
#include "lib/daemon/fault_report.h"

static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

#define FATAL_COUNT (sizeof fatal / sizeof *fatal)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool enabled;
static atomic_int report_fd;
static struct sigaction previous[FATAL_COUNT];

bool fault_is_fatal(int signo)
{
	for (size_t i = 0; i < FATAL_COUNT; i++)
		if (fatal[i] == signo)
			return true;
	return false;
}

/* --- in the handler --- */

/* Threads that crash together report one after the other; a report that crashes itself is not reported. */
static atomic_int reporter;

static bool begin_report(void)
{
	static const struct timespec a_moment = { .tv_nsec = 10 * 1000 * 1000 };
	int me = gettid();

	for (int tries = 0; tries < 200; tries++) {
		int none = 0;

		if (atomic_compare_exchange_strong(&reporter, &none, me))
			return true;
		if (none == me)
			return false;
		nanosleep(&a_moment, NULL);
	}
	return false;
}

static void put_back(int signo)
{
	for (size_t i = 0; i < FATAL_COUNT; i++)
		if (fatal[i] == signo)
			sys_sigaction(signo, &previous[i], NULL);
}

/* Returning executes the faulting instruction once more, which then has the effect that was meant for it. A signal that was
 * sent is sent again: it is blocked until we return. */
static void on_fault(int signo, siginfo_t *info, void *context)
{
	int saved = errno;

	if (begin_report()) {
		report_signal(atomic_load(&report_fd), info, context, true);
		atomic_store(&reporter, 0);
	}
	put_back(signo);
	if (info->si_code <= 0)
		sys_rt_tgsigqueueinfo(getpid(), gettid(), signo, info);
	errno = saved;
}

/* --- outside --- */

static void uninstall(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct sigaction present;

		if (sys_sigaction(fatal[i], NULL, &present) == 0 && present.sa_sigaction == on_fault)
			sys_sigaction(fatal[i], &previous[i], NULL);
	}
}

static int install(void)
{
	struct sigaction ours = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	for (size_t i = 0; i < FATAL_COUNT; i++) {
		struct sigaction present;
		int r;

		/* First asked, then replaced: the handler may run before sigaction(2) returns. */
		r = sys_sigaction(fatal[i], NULL, &present);
		if (r == 0 && present.sa_sigaction != on_fault) {
			previous[i] = present;
			r = sys_sigaction(fatal[i], &ours, NULL);
		}
		if (r < 0) {
			r = -errno;
			uninstall(i);
			return r;
		}
	}
	return 0;
}

int fault_prepare(int fd)
{
	int r;

	if (sys_fcntl(fd, F_GETFD, 0) < 0)
		return -errno;
	alternate_stack_want();
	r = alternate_stack_enter();
	if (r < 0)
		return r;
	/* To nowhere, once: so that the dynamic linker has nothing left to do in a handler. */
	report_caller(-1, __builtin_return_address(0));
	return 0;
}

int reeve_fault_enable(int fd)
{
	int r = fault_prepare(fd);

	if (r < 0)
		return r;
	pthread_mutex_lock(&lock);
	atomic_store(&report_fd, fd);
	if (!enabled) {
		r = install();
		enabled = r == 0;
	}
	pthread_mutex_unlock(&lock);
	return r;
}

void reeve_fault_disable(void)
{
	pthread_mutex_lock(&lock);
	if (enabled)
		uninstall(FATAL_COUNT);
	enabled = false;
	pthread_mutex_unlock(&lock);
}

bool reeve_fault_is_enabled(void)
{
	bool is_enabled;

	pthread_mutex_lock(&lock);
	is_enabled = enabled;
	pthread_mutex_unlock(&lock);
	return is_enabled;
}

int reeve_fault_enable_thread(void)
{
	return alternate_stack_enter();
}

__attribute__((noinline)) int reeve_fault_dump(int fd)
{
	if (sys_fcntl(fd, F_GETFD, 0) < 0)
		return -errno;
	return report_caller(fd, __builtin_return_address(0));
}
