/* A watched worker: it beats, is stopped, goes on, hangs, and dies; the observer tells one from
 * the other. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/arena.h"
#include "reeve/heartbeat.h"

#define LIMIT (200 * REEVE_MSEC)

static volatile sig_atomic_t hanging;

static void hang(int signal)
{
	hanging = 1;
}

static void work(struct reeve_arena *arena)
{
	signal(SIGUSR1, hang);
	if (reeve_heartbeat_say(arena, REEVE_HEARTBEAT_BUSY, "counting sheep") < 0)
		_exit(1);
	for (;;) {
		if (!hanging)
			reeve_heartbeat_beat(arena);
		usleep(1000);
	}
}

/* Look until it is so; whether it came to that. */
static int expect(struct reeve_heartbeat_watch *watch, enum reeve_heartbeat_verdict wanted)
{
	struct reeve_heartbeat_report report = { .verdict = REEVE_HEARTBEAT_ABSENT };

	for (reeve_nsec start = reeve_now(); reeve_now() - start < 10 * REEVE_SEC; usleep(20000)) {
		if (reeve_heartbeat_check(watch, 1, &report) < 0)
			return 0;
		if (report.verdict == wanted)
			break;
	}
	printf("%-8s after %3d ms of silence: %s\n", reeve_heartbeat_verdict_name(report.verdict),
		(int)(report.silence / REEVE_MSEC), report.text);
	return report.verdict == wanted;
}

int main(void)
{
	struct reeve_arena_spec spec = { .label = "watched", .size = 64, .participants = 1 };
	struct reeve_heartbeat_watch *watch;
	struct reeve_arena *arena;
	pid_t worker;
	int held;

	if (reeve_arena_new(&spec, &arena) < 0 ||
		reeve_heartbeat_watch_new(arena, LIMIT, &watch) < 0)
		return 1;
	worker = fork();
	if (worker == 0)
		work(arena);
	held = expect(watch, REEVE_HEARTBEAT_BEATING);
	kill(worker, SIGSTOP);
	held &= expect(watch, REEVE_HEARTBEAT_STOPPED);
	kill(worker, SIGCONT);
	held &= expect(watch, REEVE_HEARTBEAT_BEATING);
	kill(worker, SIGUSR1);
	held &= expect(watch, REEVE_HEARTBEAT_HUNG);
	kill(worker, SIGKILL);
	waitpid(worker, NULL, 0);
	held &= expect(watch, REEVE_HEARTBEAT_DEAD);
	reeve_heartbeat_watch_free(watch);
	reeve_arena_free(arena);
	return held ? 0 : 1;
}
