/* One loop: a repeating timer, timers with one deadline, a pipe, a signal and a deferred call. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "reeve/loop.h"
#include "reeve/signal.h"

static char order[8];
static uint64_t ticks;
static bool heard, deferred;
static int pipe_fds[2];

static void on_tick(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	ticks += expirations;
	printf("tick %llu\n", (unsigned long long)ticks);
	if (ticks == 2 && write(pipe_fds[1], "hello", 5) != 5)
		reeve_loop_stop(reeve_loop_source_loop(source), 1);
	if (ticks >= 5)
		raise(SIGUSR1);
}

static void on_deadline(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	order[strlen(order)] = *(char *)data;
	reeve_loop_source_free(source); /* a source may go in its own callback */
}

static void on_deferred(struct reeve_loop_source *source, void *data)
{
	puts("deferred: after the rest of the round");
	deferred = true;
}

static void on_pipe(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	char text[16];
	ssize_t size = read(fd, text, sizeof text);

	printf("from the pipe: %.*s\n", size > 0 ? (int)size : 0, text);
	heard = size == 5;
	reeve_loop_defer(reeve_loop_source_loop(source), on_deferred, NULL, NULL);
}

static void on_signal(struct reeve_loop_source *source, const struct reeve_signal_event *event, void *data)
{
	printf("%s: enough\n", reeve_signal_name(event->signo));
	reeve_loop_stop(reeve_loop_source_loop(source), 0);
}

int main(void)
{
	static char names[] = "abc";
	reeve_nsec deadline = reeve_now() + 5 * REEVE_MSEC;
	struct reeve_loop_source *source;
	struct reeve_loop *loop;
	int r;

	if (pipe(pipe_fds) < 0 || reeve_loop_new(&loop) < 0)
		return 1;
	if (reeve_loop_add_timer(loop, on_tick, NULL, &source) < 0 ||
		reeve_loop_timer_start(source, 10 * REEVE_MSEC, 10 * REEVE_MSEC) < 0)
		return 1;
	for (int i = 0; i < 3; i++)
		if (reeve_loop_add_timer(loop, on_deadline, &names[i], &source) < 0 ||
			reeve_loop_timer_start_at(source, deadline, 0) < 0)
			return 1;
	if (reeve_loop_add_fd(loop, pipe_fds[0], REEVE_LOOP_READABLE, on_pipe, NULL, NULL) < 0 ||
		reeve_loop_add_signal(loop, SIGUSR1, on_signal, NULL, NULL) < 0)
		return 1;
	r = reeve_loop_run(loop);
	printf("timers with the same deadline came in the order %s\n", order);
	reeve_loop_free(loop);
	return r == 0 && heard && deferred && strcmp(order, "abc") == 0 ? 0 : 1;
}
