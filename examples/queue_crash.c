/* A worker crashes with a job in its hands: the queue hands the job to another. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/error.h"
#include "reeve/queue.h"

#define JOBS 8
#define BAD 3 /* the job that kills who first tries it */

static void work(struct reeve_queue *jobs)
{
	struct reeve_queue_slot slot;

	while (reeve_queue_peek(jobs, REEVE_FOREVER, &slot) == 0) {
		int job = *(int *)slot.data;

		printf("worker %d: job %d%s\n", (int)getpid(), job,
			slot.redelivered ? ", which another did not survive" : "");
		fflush(stdout);
		if (job == BAD && !slot.redelivered)
			raise(SIGKILL);
		reeve_queue_release(jobs, &slot);
	}
	_exit(0);
}

int main(void)
{
	struct reeve_queue_spec spec = {
		.capacity = JOBS, .message_max = sizeof(int), .on_death = REEVE_QUEUE_REDELIVER
	};
	struct reeve_arena_spec room = { .size = 16384, .participants = 8 };
	struct reeve_queue_statistics count;
	struct reeve_arena *arena;
	struct reeve_queue *jobs;
	int killed = 0, status, r = reeve_arena_new(&room, &arena);

	if (r == 0)
		r = reeve_queue_new(arena, "jobs", &spec, REEVE_SEC, &jobs);
	for (int job = 1; r == 0 && job <= JOBS; job++)
		r = reeve_queue_put(jobs, &job, sizeof job, 0);
	if (r == 0)
		r = reeve_queue_close(jobs);
	if (r < 0) {
		fprintf(stderr, "queue: %s\n", reeve_error_text(r));
		return 1;
	}
	for (int i = 0; i < 2; i++)
		if (fork() == 0)
			work(jobs);
	while (wait(&status) > 0) {
		killed += WIFSIGNALED(status);
		reeve_arena_recover(arena, REEVE_SEC);
	}
	reeve_queue_statistics(jobs, &count);
	printf("%d worker killed, %llu of %llu jobs got, %llu delivered again, %llu lost\n", killed,
		(unsigned long long)count.got, (unsigned long long)count.put,
		(unsigned long long)count.redelivered, (unsigned long long)count.dropped);
	r = killed == 1 && count.redelivered == 1 && count.dropped == 0 &&
	    reeve_queue_is_empty(jobs) == 1;
	reeve_queue_free(jobs);
	reeve_arena_free(arena);
	return r ? 0 : 1;
}
