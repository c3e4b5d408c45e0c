/* Signals handled at a safe point: names, a handler with what the sender said, queued values,
 * ignoring. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "reeve/signal.h"

static int told;

static void tell(const struct reeve_signal_event *event, void *data)
{
	printf("%s: %s from pid %d, value %d\n", (const char *)data,
		reeve_signal_name(event->signo), (int)event->pid, event->value);
	told++;
}

int main(void)
{
	static char first[] = "first", second[] = "second", third[] = "third";
	struct reeve_signal_subscription *term, *queued, *also;
	int real_time = reeve_signal_number("SIGRTMIN+3"), r;

	printf("%s is number %d, \"%s\"\n", reeve_signal_name(SIGTERM), SIGTERM,
		reeve_signal_description(SIGTERM));
	printf("SIGKILL: %s\n", reeve_signal_refusal(SIGKILL));

	r = reeve_signal_subscribe(SIGTERM, tell, first, &term);
	if (r == 0)
		r = reeve_signal_subscribe(real_time, tell, second, &queued);
	if (r == 0)
		r = reeve_signal_subscribe(real_time, tell, third, &also);
	if (r < 0)
		return 1;

	reeve_signal_send(getpid(), SIGTERM);
	for (int value = 1; value <= 3; value++)
		reeve_signal_queue(getpid(), real_time, value);
	printf("sent; nothing runs before we say so\n");
	while (told < 7)
		if (reeve_signal_wait(5 * REEVE_SEC) < 0)
			return 1;

	term = reeve_signal_unsubscribe(term);
	queued = reeve_signal_unsubscribe(queued);
	also = reeve_signal_unsubscribe(also);
	reeve_signal_ignore(SIGTERM);
	reeve_signal_raise(SIGTERM);
	printf("SIGTERM is ignored, and we are still here\n");
	return reeve_signal_disposition(SIGTERM) == REEVE_SIGNAL_IGNORED ? 0 : 1;
}
