/* One signal, sent by six threads at once, and every one of them counted: a real-time signal is
 * queued, and the thread mode leaves nothing to chance in a program with threads. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "reeve/signal.h"

#define THREADS 6
#define EACH 1000

static int counts[THREADS];

static void count(const struct reeve_signal_event *event, void *data)
{
	counts[event->value]++;
	++*(int *)data;
}

static void *send_all(void *number)
{
	for (int i = 0; i < EACH; i++)
		while (reeve_signal_queue(getpid(), SIGRTMIN, *(int *)number) == -EAGAIN)
			sched_yield(); /* the kernel's queue is full */
	return NULL;
}

int main(void)
{
	struct reeve_signal_subscription *subscription;
	pthread_t threads[THREADS];
	int numbers[THREADS], total = 0, wrong = 0;

	if (reeve_signal_set_mode(REEVE_SIGNAL_THREAD) < 0 ||
		reeve_signal_subscribe(SIGRTMIN, count, &total, &subscription) < 0)
		return 1;
	for (int i = 0; i < THREADS; i++) {
		numbers[i] = i;
		if (pthread_create(&threads[i], NULL, send_all, &numbers[i]) != 0)
			return 1;
	}
	while (total < THREADS * EACH && reeve_signal_wait(10 * REEVE_SEC) > 0)
		;
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		printf("thread %d: %d signals\n", i, counts[i]);
		wrong += counts[i] != EACH;
	}
	printf("together: %d of %d\n", total, THREADS * EACH);
	reeve_signal_unsubscribe(subscription);
	return wrong ? 1 : 0;
}
