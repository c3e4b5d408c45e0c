/* The interval timers of a process: setitimer(2), in nanoseconds. */
#include <errno.h>
#include <signal.h>
#include <sys/time.h>

#include "lib/base/sys.h"
#include "reeve/timer.h"

#define MICRO 1000

static const struct timer {
	int kernel;
	int signo;
} timers[] = {
	[REEVE_TIMER_REAL] = { ITIMER_REAL, SIGALRM },
	[REEVE_TIMER_VIRTUAL] = { ITIMER_VIRTUAL, SIGVTALRM },
	[REEVE_TIMER_PROF] = { ITIMER_PROF, SIGPROF },
};

static const struct timer *find(enum reeve_timer_which which)
{
	return (unsigned)which < sizeof timers / sizeof timers[0] ? &timers[which] : NULL;
}

/* Up to the next microsecond. */
static struct timeval to_timeval(reeve_nsec duration)
{
	int64_t micro = duration / MICRO + (duration % MICRO != 0);

	return (struct timeval){ .tv_sec = micro / 1000000, .tv_usec = micro % 1000000 };
}

/* What is too long for nanoseconds is as long as they go. */
static reeve_nsec from_timeval(const struct timeval *value)
{
	reeve_nsec duration;

	if (__builtin_mul_overflow((reeve_nsec)value->tv_sec, REEVE_SEC, &duration) ||
		__builtin_add_overflow(duration, value->tv_usec * REEVE_USEC, &duration))
		return INT64_MAX;
	return duration;
}

static struct reeve_timer_value from_itimerval(const struct itimerval *value)
{
	return (struct reeve_timer_value){
		.left = from_timeval(&value->it_value),
		.interval = from_timeval(&value->it_interval),
	};
}

int reeve_timer_set(enum reeve_timer_which which, struct reeve_timer_value value,
	struct reeve_timer_value *ret_old)
{
	const struct timer *timer = find(which);
	struct itimerval wanted = { 0 }, old;

	if (!timer || value.left < 0 || value.interval < 0)
		return -EINVAL;
	if (value.left > 0) {
		wanted.it_value = to_timeval(value.left);
		wanted.it_interval = to_timeval(value.interval);
	}
	if (sys_setitimer(timer->kernel, &wanted, &old) < 0)
		return -errno;
	if (ret_old)
		*ret_old = from_itimerval(&old);
	return 0;
}

int reeve_timer_get(enum reeve_timer_which which, struct reeve_timer_value *ret)
{
	const struct timer *timer = find(which);
	struct itimerval now;

	if (!timer)
		return -EINVAL;
	if (sys_getitimer(timer->kernel, &now) < 0)
		return -errno;
	*ret = from_itimerval(&now);
	return 0;
}

int reeve_timer_signal(enum reeve_timer_which which)
{
	const struct timer *timer = find(which);

	return timer ? timer->signo : -EINVAL;
}

int reeve_alarm(reeve_nsec delay, reeve_nsec *ret_left)
{
	struct reeve_timer_value old;
	int r = reeve_timer_set(
		REEVE_TIMER_REAL, (struct reeve_timer_value){ .left = delay }, &old);

	if (r == 0 && ret_left)
		*ret_left = old.left;
	return r;
}
