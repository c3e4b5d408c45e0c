/* Threads with names: join with a deadline, results, and one in the background that does not keep the program alive. */
#include <stdio.h>
#include <unistd.h>

#include "reeve/error.h"
#include "reeve/thread.h"

#define WORKERS 4

static int gate[2];

/* Waits at the gate, then adds up the numbers below its own. */
static void *add_up(void *data)
{
	size_t number = *(size_t *)data, sum = 0;
	char byte;

	if (read(gate[0], &byte, 1) != 1)
		return NULL;
	for (size_t i = 0; i < number; i++)
		sum += i;
	*(size_t *)data = sum;
	return data;
}

static void *idle(void *data)
{
	for (;;)
		pause();
	return data;
}

int main(void)
{
	static const size_t expected[WORKERS] = { 45, 4950, 499500, 49995000 };
	size_t numbers[WORKERS] = { 10, 100, 1000, 10000 };
	struct reeve_thread *threads[WORKERS];
	int r;

	if (pipe(gate) < 0)
		return 1;
	r = reeve_thread_start(&(struct reeve_thread_spec){ .name = "idle", .background = true }, idle, NULL, NULL);
	if (r < 0)
		return 1;
	for (int i = 0; i < WORKERS; i++) {
		char name[16];

		snprintf(name, sizeof name, "adder-%d", i);
		r = reeve_thread_start(&(struct reeve_thread_spec){ .name = name }, add_up, &numbers[i], &threads[i]);
		if (r < 0) {
			printf("can't start %s: %s\n", name, reeve_error_text(r));
			return 1;
		}
	}

	r = reeve_thread_join(threads[0], 10 * REEVE_MSEC, NULL);
	printf("%s before the gate is open: %s\n", reeve_thread_name(threads[0]), reeve_error_name(r));
	if (write(gate[1], "1234", WORKERS) != WORKERS)
		return 1;
	for (int i = 0; i < WORKERS; i++) {
		void *result = NULL;

		if (reeve_thread_join(threads[i], REEVE_FOREVER, &result) < 0 || !result)
			return 1;
		printf("%s: %zu\n", reeve_thread_name(threads[i]), *(size_t *)result);
		if (*(size_t *)result != expected[i])
			return 1;
		reeve_thread_free(threads[i]);
	}
	puts("main returns while the background thread is still there");
	return 0;
}
