/* reeve's signals in a libuv loop: one descriptor to poll, and the handlers get what libuv
 * drops: who sent it, and its value. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

#include "reeve/signal.h"

static uv_poll_t watch;
static int sum;

static void on_signal(const struct reeve_signal_event *event, void *data)
{
	printf("%s from pid %d, value %d\n", reeve_signal_name(event->signo), (int)event->pid,
		event->value);
	sum += event->value;
	if (sum == 6)
		uv_poll_stop(&watch);
}

static void on_readable(uv_poll_t *handle, int status, int events)
{
	reeve_signal_dispatch();
}

static void send_three(uv_timer_t *timer)
{
	for (int value = 1; value <= 3; value++)
		reeve_signal_queue(getpid(), SIGRTMIN, value);
}

static void on_uv_signal(uv_signal_t *handle, int signo)
{
	printf("libuv's own handler of signal %d still works\n", signo);
	uv_signal_stop(handle);
}

int main(void)
{
	uv_loop_t *loop = uv_default_loop();
	struct reeve_signal_subscription *subscription;
	uv_signal_t foreign;
	uv_timer_t timer;

	if (reeve_signal_subscribe(SIGRTMIN, on_signal, NULL, &subscription) < 0)
		return 1;
	uv_poll_init(loop, &watch, reeve_signal_fd());
	uv_poll_start(&watch, UV_READABLE, on_readable);
	uv_signal_init(loop, &foreign);
	uv_signal_start(&foreign, on_uv_signal, SIGUSR1);
	uv_timer_init(loop, &timer);
	uv_timer_start(&timer, send_three, 10, 0);
	reeve_signal_raise(SIGUSR1);

	uv_run(loop, UV_RUN_DEFAULT);
	reeve_signal_unsubscribe(subscription);
	return sum == 6 ? 0 : 1;
}
