/* Two producers and three consumers, each a process of its own, over one queue; what the consumers
 * have comes back over another. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/error.h"
#include "reeve/queue.h"

#define PRODUCERS 2
#define CONSUMERS 3
#define NUMBERS 1000u /* that each producer puts */

static void produce(struct reeve_queue *queue)
{
	for (unsigned number = 1; number <= NUMBERS; number++)
		if (reeve_queue_put(queue, &number, sizeof number, REEVE_FOREVER) < 0)
			_exit(1);
	_exit(0);
}

/* Until the queue is closed and nothing is left in it. */
static void consume(struct reeve_queue *queue, struct reeve_queue *results)
{
	unsigned long sum = 0;
	unsigned number;

	while (reeve_queue_get(queue, &number, sizeof number, REEVE_FOREVER, NULL) == 0)
		sum += number;
	_exit(reeve_queue_put(results, &sum, sizeof sum, REEVE_FOREVER) < 0);
}

int main(void)
{
	struct reeve_queue_spec spec = { .capacity = 16, .message_max = sizeof(unsigned long) };
	struct reeve_arena_spec room = { .size = 16384, .participants = 8 };
	struct reeve_arena *arena;
	struct reeve_queue *queue, *results;
	unsigned long sum, total = 0;
	pid_t producers[PRODUCERS];
	int r = reeve_arena_new(&room, &arena);

	if (r == 0)
		r = reeve_queue_new(arena, "numbers", &spec, REEVE_SEC, &queue);
	if (r == 0)
		r = reeve_queue_new(arena, "results", &spec, REEVE_SEC, &results);
	if (r < 0) {
		fprintf(stderr, "queue: %s\n", reeve_error_text(r));
		return 1;
	}
	for (int i = 0; i < CONSUMERS; i++)
		if (fork() == 0)
			consume(queue, results);
	for (int i = 0; i < PRODUCERS; i++)
		if ((producers[i] = fork()) == 0)
			produce(queue);
	for (int i = 0; i < PRODUCERS; i++)
		waitpid(producers[i], NULL, 0);
	reeve_queue_close(queue);
	for (int i = 0; i < CONSUMERS; i++) {
		r = reeve_queue_get(results, &sum, sizeof sum, REEVE_FOREVER, NULL);
		if (r < 0)
			break;
		printf("a consumer got a sum of %lu\n", sum);
		total += sum;
	}
	while (wait(NULL) > 0)
		;
	printf("together %lu, of %lu\n", total, PRODUCERS * NUMBERS * (NUMBERS + 1ul) / 2);
	reeve_queue_free(results);
	reeve_queue_free(queue);
	reeve_arena_free(arena);
	return total == PRODUCERS * NUMBERS * (NUMBERS + 1ul) / 2 ? 0 : 1;
}
