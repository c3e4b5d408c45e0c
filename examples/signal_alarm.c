/* An alarm that breaks a read which would block for ever. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "reeve/signal.h"
#include "reeve/timer.h"

static void on_alarm(const struct reeve_signal_event *event, void *data)
{
	printf("%s\n", reeve_signal_description(event->signo));
	*(int *)data = 1;
}

int main(void)
{
	/* An interval, for one alarm might come before the read began. */
	static const struct reeve_timer_value every = { 50 * REEVE_MSEC, 50 * REEVE_MSEC };
	struct reeve_signal_subscription *subscription;
	int fds[2], rang = 0;
	char byte;
	ssize_t r;

	if (pipe(fds) < 0 || reeve_signal_subscribe(SIGALRM, on_alarm, &rang, &subscription) < 0)
		return 1;
	reeve_signal_interrupt(SIGALRM, true);
	reeve_timer_set(REEVE_TIMER_REAL, every, NULL);

	printf("reading from a pipe that nobody writes to...\n");
	r = read(fds[0], &byte, 1);
	printf("read: %s\n", r < 0 ? strerror(errno) : "something?");
	if (r >= 0 || errno != EINTR)
		return 1;

	reeve_alarm(0, NULL);
	reeve_signal_dispatch();
	reeve_signal_unsubscribe(subscription);
	return rang ? 0 : 1;
}
