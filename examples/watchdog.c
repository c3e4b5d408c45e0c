/* A watchdog: an interval timer looks after a program again and again, and restarts it when it has crashed. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "reeve/error.h"
#include "reeve/process.h"
#include "reeve/signal.h"
#include "reeve/timer.h"

#define CRASHES 3

struct watched {
	struct reeve_process *process;
	int starts, crashes;
	bool done;
};

/* This very program, which crashes the first few times. */
static void start(struct watched *watched)
{
	char attempt[16];
	const char *argv[] = { "worker", attempt, NULL };
	struct reeve_process_failure failure;
	int r;

	snprintf(attempt, sizeof attempt, "%d", ++watched->starts);
	r = reeve_process_spawn(&(struct reeve_process_spec){ .argv = argv, .executable = "/proc/self/exe" }, &failure,
		&watched->process);
	if (r < 0) {
		printf("can't %s: %s\n", reeve_process_stage_text(failure.stage), reeve_error_text(r));
		exit(1);
	}
	printf("start %d: process %d\n", watched->starts, (int)reeve_process_pid(watched->process));
}

static void look_after(const struct reeve_signal_event *event, void *data)
{
	struct watched *watched = data;
	struct reeve_process_outcome outcome;
	char text[64];

	if (watched->done || reeve_process_wait(watched->process, 0, &outcome) < 0)
		return;
	reeve_process_outcome_text(&outcome, text, sizeof text);
	printf("the process %s\n", text);
	watched->process = reeve_process_free(watched->process);
	if (outcome.how == REEVE_PROCESS_EXITED) {
		watched->done = true;
		return;
	}
	watched->crashes++;
	start(watched);
}

static int work(const char *attempt)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
	if (strtol(attempt, NULL, 10) <= CRASHES)
		abort();
	return 0;
}

int main(int argc, char **argv)
{
	struct reeve_timer_value often = { .left = 5 * REEVE_MSEC, .interval = 5 * REEVE_MSEC };
	struct reeve_signal_subscription *subscription;
	struct watched watched = { 0 };

	if (argc > 1)
		return work(argv[1]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	start(&watched);
	if (reeve_signal_subscribe(SIGALRM, look_after, &watched, &subscription) < 0 ||
		reeve_timer_set(REEVE_TIMER_REAL, often, NULL) < 0)
		return 1;
	while (!watched.done)
		reeve_signal_wait(REEVE_FOREVER);
	reeve_timer_set(REEVE_TIMER_REAL, (struct reeve_timer_value){ 0 }, NULL);
	reeve_signal_unsubscribe(subscription);
	printf("%d crashes, %d starts\n", watched.crashes, watched.starts);
	return watched.crashes == CRASHES && watched.starts == CRASHES + 1 ? 0 : 1;
}
