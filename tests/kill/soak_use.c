/* What a worker of all_soak.c does with the objects, and the laws that it watches. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kill/soak.h"
#include "reeve/heartbeat.h"

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (atomic_fetch_add(&soak.shared->mistakes, 1) == 0)
		vsnprintf(soak.shared->mistake, sizeof soak.shared->mistake, format, arguments);
	va_end(arguments);
}

/* What a worker may be answered that is no mistake; the rest is. */
bool soak_is_usual(const char *what, int r)
{
	if (r >= 0 || r == -ETIMEDOUT || r == -EUSERS)
		return r >= 0;
	complain("%s: %s", what, strerror(-r));
	return false;
}

/* Where to be killed is most interesting. */
static void linger(void)
{
	if (rand() % 8 == 0)
		usleep((unsigned)rand() % 1000);
}

/* --- Locks ------------------------------------------------------------------------------------ */

static void change(struct canary *canary, bool told, const char *what)
{
	pid_t nobody = 0;

	if (told) {
		atomic_fetch_add(&soak.shared->deaths_told, 1);
		atomic_store(&canary->inside, 0);
		atomic_store(&canary->second, atomic_load(&canary->first));
	}
	if (!atomic_compare_exchange_strong(&canary->inside, &nobody, getpid()))
		complain("%s: %d is inside as well", what, nobody);
	if (atomic_load(&canary->first) != atomic_load(&canary->second))
		complain("%s: torn, and nobody said so", what);
	atomic_fetch_add(&canary->first, 1);
	linger();
	atomic_fetch_add(&canary->second, 1);
	atomic_store(&canary->inside, 0);
}

void soak_use_lock(void)
{
	int r = reeve_lock_acquire(soak.lock, SHORT);

	if (r != -EOWNERDEAD && !soak_is_usual("lock", r))
		return;
	change(&soak.shared->lock, r == -EOWNERDEAD, "lock");
	soak_is_usual("unlock", reeve_lock_release(soak.lock));
}

void soak_use_rwlock(void)
{
	bool writes = rand() % 4 == 0;
	int r = writes ? reeve_rwlock_acquire_write(soak.rwlock, SHORT)
		       : reeve_rwlock_acquire_read(soak.rwlock, SHORT);

	if (r != -EOWNERDEAD && !soak_is_usual("rwlock", r))
		return;
	if (writes || r == -EOWNERDEAD)
		change(&soak.shared->rwlock, r == -EOWNERDEAD, "rwlock");
	else if (atomic_load(&soak.shared->rwlock.first) !=
		 atomic_load(&soak.shared->rwlock.second))
		complain("rwlock: a writer beside a reader");
	soak_is_usual("rwlock release", reeve_rwlock_release(soak.rwlock));
}

static void use_semaphore(void)
{
	if (!soak_is_usual("semaphore", reeve_owned_semaphore_acquire(soak.semaphore, SHORT)))
		return;
	if (reeve_owned_semaphore_holders(soak.semaphore, NULL, 0) > (int)COUNTS ||
		reeve_owned_semaphore_value(soak.semaphore) >= (int)COUNTS)
		complain("semaphore: more counts than there are");
	soak_is_usual("semaphore release", reeve_owned_semaphore_release(soak.semaphore));
}

static void use_barrier(void)
{
	int r = reeve_barrier_wait(soak.barrier, REEVE_MSEC);

	if (r == -EPIPE)
		r = reeve_barrier_reset(soak.barrier);
	if (soak_is_usual("barrier", r) && r > 1)
		complain("barrier: the third of two");
}

void soak_use_condition(void)
{
	int r = reeve_lock_acquire(soak.condition_lock, SHORT);

	if (r != -EOWNERDEAD && !soak_is_usual("condition's lock", r))
		return;
	if (rand() % 2) {
		r = reeve_condition_wait(soak.condition, soak.condition_lock, REEVE_MSEC);
		if (r != -EOWNERDEAD)
			soak_is_usual("condition", r);
	} else {
		soak_is_usual("notify", reeve_condition_notify(soak.condition, 1));
	}
	soak_is_usual("condition's unlock", reeve_lock_release(soak.condition_lock));
}

/* --- Queues ----------------------------------------------------------------------------------- */

struct message {
	uint32_t life, number, size;
	unsigned char bytes[188];
};

/* A worker's own: what it has put, and what it has last seen of each life. */
static uint32_t next_number[QUEUES], last_seen[QUEUES][LIVES];

void soak_forget(void)
{
	memset(next_number, 0, sizeof next_number);
	memset(last_seen, 0, sizeof last_seen);
}

static uint32_t fill(struct message *message, unsigned life, uint32_t number)
{
	message->life = life;
	message->number = number;
	message->size = (uint32_t)rand() % sizeof message->bytes;
	memset(message->bytes, (int)(life + number), message->size);
	return (uint32_t)offsetof(struct message, bytes) + message->size;
}

static bool is_whole(const struct message *message, size_t size)
{
	if (size < offsetof(struct message, bytes) || message->life >= LIVES ||
		message->number >= NUMBERS || message->size > sizeof message->bytes ||
		size != offsetof(struct message, bytes) + message->size)
		return false;
	for (uint32_t i = 0; i < message->size; i++)
		if (message->bytes[i] != (unsigned char)(message->life + message->number))
			return false;
	return true;
}

static void put(unsigned which, unsigned life)
{
	struct reeve_queue *queue = soak.queues[which];
	uint32_t number = next_number[which] + 1;
	struct message message;
	struct reeve_queue_slot slot;
	int r;

	if (number >= NUMBERS)
		return;
	if (rand() % 2) {
		r = reeve_queue_put(queue, &message, fill(&message, life, number), SHORT);
	} else {
		r = reeve_queue_reserve(queue, sizeof message, 0, SHORT, &slot);
		if (r == 0 && rand() % 8 == 0) {
			soak_is_usual("cancel", reeve_queue_cancel(queue, &slot));
			return;
		}
		if (r == 0)
			r = reeve_queue_commit(queue, &slot, fill(slot.data, life, number));
	}
	if (!soak_is_usual("put", r))
		return;
	next_number[which] = number;
	atomic_store(&soak.shared->put[which][life], number);
}

/* `ordered`: it comes for the first time. Of what is dropped with its consumer nothing may come twice
 * even so: what was given back had not been checked. */
static void check(unsigned which, const struct message *message, size_t size, bool ordered)
{
	bool once = ordered || soak_specs[which].on_death == REEVE_QUEUE_DROP;
	uint32_t *last;

	if (!is_whole(message, size)) {
		complain("queue %u: a message is not whole", which);
		return;
	}
	last = &last_seen[which][message->life];
	if (ordered && message->number <= *last)
		complain("queue %u: %u of %u after %u", which, message->number, message->life,
			*last);
	if (message->number > *last)
		*last = message->number;
	if (atomic_fetch_add(&soak.shared->came[which][message->life][message->number], 1) && once)
		complain("queue %u: %u of %u twice", which, message->number, message->life);
	atomic_fetch_add(ordered ? &soak.shared->messages : &soak.shared->again, 1);
}

static int take_slot(unsigned which, reeve_nsec timeout)
{
	struct reeve_queue *queue = soak.queues[which];
	struct reeve_queue_slot slot;
	int r = reeve_queue_peek(queue, timeout, &slot);

	if (!soak_is_usual("peek", r))
		return r;
	if (rand() % 8 == 0) {
		r = reeve_queue_give_back(queue, &slot);
		return soak_is_usual("give back", r) ? 0 : r;
	}
	linger();
	check(which, slot.data, slot.size, !slot.redelivered);
	linger();
	r = reeve_queue_release(queue, &slot);
	return soak_is_usual("release", r) ? 0 : r;
}

/* A copy does not say whether it comes again. */
static int take_copy(unsigned which, reeve_nsec timeout)
{
	struct message message;
	size_t size = 0;
	int r = reeve_queue_get(soak.queues[which], &message, sizeof message, timeout, &size);

	if (!soak_is_usual("get", r))
		return r;
	check(which, &message, size, false);
	return 0;
}

/* Who is killed with a copy has it: only what is dropped is checked so. */
int soak_take(unsigned which, reeve_nsec timeout)
{
	if (soak_specs[which].on_death == REEVE_QUEUE_DROP && rand() % 2)
		return take_copy(which, timeout);
	return take_slot(which, timeout);
}

/* --- Workers ---------------------------------------------------------------------------------- */

/* Blocks until there is no more room; they are found and removed by their names. */
static void fill_arena(unsigned life)
{
	char name[REEVE_ARENA_NAME_MAX + 1];
	void *block;
	unsigned count = 0;
	int r;

	do {
		snprintf(name, sizeof name, "block %u %u", life, count);
		r = reeve_arena_block_new(soak.arena, name, 2000, SHORT, &block);
	} while (r == 0 && ++count < 100);
	if (r == -ENOSPC || r == -EDQUOT)
		atomic_fetch_add(&soak.shared->full, 1);
	else
		soak_is_usual("block", r);
	while (count--) {
		snprintf(name, sizeof name, "block %u %u", life, count);
		soak_is_usual("block's end", reeve_arena_block_remove(soak.arena, name, PATIENCE));
	}
}

static void use_queue(unsigned which, unsigned life)
{
	for (unsigned i = (unsigned)rand() % 8; i; i--)
		if (rand() % 2)
			put(which, life);
		else
			soak_take(which, rand() % 4 ? 0 : SHORT);
}

static void work_once(unsigned life)
{
	switch (rand() % 20) {
	case 0: use_barrier(); break;
	case 1: soak_use_condition(); break;
	case 2: use_semaphore(); break;
	case 3: soak_use_rwlock(); break;
	case 4: soak_use_lock(); break;
	case 5:
		soak_is_usual(
			"beat", reeve_heartbeat_say(soak.arena, REEVE_HEARTBEAT_BUSY, "at it"));
		break;
	case 6:
		if (rand() % 64 == 0)
			fill_arena(life);
		break;
	default: use_queue((unsigned)rand() % QUEUES, life); break;
	}
	atomic_fetch_add(&soak.shared->operations, 1);
}

/* A child in the middle of it, which has all but its parent's place. */
static void fork_once(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int i = 0; i < 4; i++) {
			soak_use_lock();
			use_semaphore();
			soak_use_rwlock();
		}
		_exit(0);
	}
	if (pid > 0) {
		atomic_fetch_add(&soak.shared->forks, 1);
		waitpid(pid, NULL, 0);
	}
}

_Noreturn void soak_work(unsigned life, unsigned seed)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	srand(seed);
	soak_forget();
	while (reeve_arena_attach(soak.arena, NULL) == -EUSERS) {
		atomic_fetch_add(&soak.shared->no_place, 1);
		usleep(500);
	}
	while (atomic_load(&soak.shared->mistakes) == 0) {
		work_once(life);
		if (rand() % 200 == 0)
			fork_once();
	}
	_exit(0);
}
