/* What all_soak.c makes, and soak_use.c uses. */
#ifndef TESTS_KILL_SOAK_H
#define TESTS_KILL_SOAK_H

#include <stdatomic.h>

#include "reeve/queue.h"
#include "reeve/sync.h"

#define LIVES 256u
#define NUMBERS 4096u /* messages that one life puts into one queue, at most */
#define QUEUES 3u
#define CAPACITY 8u
#define COUNTS 3u
#define SHORT (20 * REEVE_MSEC)
#define PATIENCE (20 * REEVE_SEC)

/* What a lock protects: torn when somebody else is there too. */
struct canary {
	_Atomic uint64_t first, second;
	_Atomic pid_t inside;
};

struct soak_shared {
	struct canary lock, rwlock;
	_Atomic uint32_t put[QUEUES][LIVES]; /* the last number that surely is in the queue */
	_Atomic uint8_t came[QUEUES][LIVES][NUMBERS];
	_Atomic unsigned long operations, messages, again, deaths_told, full, no_place, forks;
	_Atomic int mistakes;
	char mistake[240];
};

struct soak {
	struct soak_shared *shared;
	struct reeve_arena *arena;
	struct reeve_queue *queues[QUEUES];
	struct reeve_lock *lock, *condition_lock;
	struct reeve_rwlock *rwlock;
	struct reeve_owned_semaphore *semaphore;
	struct reeve_barrier *barrier;
	struct reeve_condition *condition;
};

extern struct soak soak;
extern const struct reeve_queue_spec soak_specs[QUEUES];

/* Whether nothing was wrong, and what it was answered is neither "too late" nor "no place". What is
 * wrong is written to shared->mistake. */
bool soak_is_usual(const char *what, int r);

/* Lock and unlock, looking at what the lock protects. */
void soak_use_lock(void);
void soak_use_rwlock(void);
void soak_use_condition(void);

/* Get one message from a queue, and look at it. */
int soak_take(unsigned which, reeve_nsec timeout);

/* Begin anew, as if nothing had been seen yet. */
void soak_forget(void);

/* Be a worker until killed. `life`: below LIVES, another each time. */
_Noreturn void soak_work(unsigned life, unsigned seed);

#endif
