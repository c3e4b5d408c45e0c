/* The table of participants: attach, detach, and the sweep of those who died.
 *
 * Who changes a place has its byte locked (lock.h), and since the kernel unlocks it when
 * he dies, there is nothing to repair: a place that is not FREE and not locked is a dead one's,
 * or one whose sweeper died. A sweep gives back what the number held, object by object, and then
 * makes the place FREE with one store; whoever begins again after a kill finds less to do. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/interrupt.h"
#include "lib/base/sys.h"
#include "lib/arena/arena.h"
#include "lib/arena/lock.h"
#include "lib/arena/proc_stat.h"

/* How often a look at a place is repeated because it changed meanwhile; who changes it for ever
 * is up to no good. */
#define CONSISTENT_TRIES 16

#define FIRST_PAUSE (50 * REEVE_USEC)
#define LONGEST_PAUSE (5 * REEVE_MSEC)

reeve_nsec arena_patience = REEVE_SEC;

static int recover_object(
	struct reeve_arena *arena, unsigned type, const struct arena_object *object, void *data)
{
	const struct arena_type *known = arena_type(type);
	unsigned *number = data;

	if (!known)
		return -EPROTONOSUPPORT;
	return known->recover ? known->recover(arena, object->memory, object->size, *number) : 0;
}

/* Give back what `number` holds, and the place. Its byte is locked. */
static int sweep(struct reeve_arena *arena, unsigned number, reeve_nsec deadline)
{
	struct arena_slot *slot = arena_slot(arena, number);
	uint32_t epoch = slot_epoch(atomic_load(&slot->word));
	int r;

	atomic_store(&slot->word, slot_word(SLOT_SWEPT, atomic_load(&arena->self), epoch));
	r = arena_lock_until(arena, STRUCTURE, F_RDLCK, deadline);
	if (r < 0)
		return r;
	r = arena_objects_each(arena, recover_object, &number);
	arena_unlock(arena, STRUCTURE);
	if (r < 0)
		return r;
	atomic_store(&slot->word, slot_word(SLOT_FREE, 0, epoch));
	return 0;
}

static bool is_free(const struct arena_slot *slot)
{
	return slot_state(atomic_load(&slot->word)) == SLOT_FREE;
}

/* 1: swept, 0: nothing to do there. */
static int recover_place(struct reeve_arena *arena, unsigned number, reeve_nsec deadline)
{
	struct arena_slot *slot = arena_slot(arena, number);
	int r;

	if (number == atomic_load(&arena->self) || is_free(slot))
		return 0;
	r = arena_lock_try(arena, number, F_WRLCK);
	if (r < 0)
		return r == -EAGAIN ? 0 : r;
	if (!is_free(slot)) {
		r = sweep(arena, number, deadline);
		if (r == 0)
			r = 1;
	}
	arena_unlock(arena, number);
	return r;
}

int arena_recover_locked(struct reeve_arena *arena, reeve_nsec deadline)
{
	int recovered = 0, failed = 0;

	for (unsigned number = 1; number <= arena->participants; number++) {
		int r = recover_place(arena, number, deadline);

		if (r < 0)
			failed = r;
		else
			recovered += r;
		if (r == -EINTR || r == -ETIMEDOUT)
			break;
	}
	return failed < 0 ? failed : recovered;
}

int reeve_arena_recover(struct reeve_arena *arena, reeve_nsec timeout)
{
	reeve_nsec deadline;
	int r;

	if (!arena)
		return -EFAULT;
	r = deadline_from(timeout, &deadline);
	if (r < 0)
		return r;
	pthread_mutex_lock(&arena->mutex);
	r = arena_recover_locked(arena, deadline);
	pthread_mutex_unlock(&arena->mutex);
	return r;
}

/* Move in. The place's byte is locked, and the last thing that is written tells others of it. */
static void move_in(struct reeve_arena *arena, unsigned number, const char *name)
{
	struct arena_slot *slot = arena_slot(arena, number);
	struct heartbeat_line *line = arena_line(arena, number);
	uint32_t epoch = slot_epoch(atomic_load(&slot->word)) + 1;
	struct proc_stat self = { 0 };

	(void)proc_stat_read(0, 0, &self); /* without it the start time is not known */
	slot->pid = (int32_t)getpid();
	slot->tid = (int32_t)gettid();
	slot->start_time = self.start_time;
	memset(slot->name, 0, sizeof slot->name);
	memcpy(slot->name, name, strnlen(name, REEVE_ARENA_NAME_MAX));
	atomic_store(&line->beats, 0);
	atomic_store(&line->state, REEVE_HEARTBEAT_STARTING);
	memset(line->text, 0, sizeof line->text);
	atomic_store(&slot->word, slot_word(SLOT_TAKEN, 0, epoch));
	atomic_store(&arena->pulse, line);
	atomic_store(&arena->self, number);
}

/* What a look at all places saw, where it found none. */
struct look {
	uint64_t epochs; /* the sum: another where a place was taken in between */
	bool passing;    /* a place is free, or will be, but somebody has its lock for a moment */
};

/* Returns its number, -EUSERS if there is none. */
static int take_free_place(struct reeve_arena *arena, const char *name, struct look *ret)
{
	struct look look = { 0 };

	for (unsigned number = 1; number <= arena->participants; number++) {
		struct arena_slot *slot = arena_slot(arena, number);
		uint64_t word = atomic_load(&slot->word);
		int r = -EAGAIN;

		look.epochs += slot_epoch(word);
		if (slot_state(word) == SLOT_TAKEN)
			continue;
		if (slot_state(word) == SLOT_FREE)
			r = arena_lock_try(arena, number, F_WRLCK);
		if (r == 0 && is_free(slot)) {
			move_in(arena, number, name);
			return (int)number;
		}
		look.passing = true;
		if (r == 0)
			arena_unlock(arena, number);
		else if (r != -EAGAIN)
			return r;
	}
	*ret = look;
	return -EUSERS;
}

/* Without running handlers: the arena's mutex is held. */
static void pause_for(reeve_nsec *pause)
{
	struct timespec wait = { .tv_nsec = *pause };

	(void)sys_ppoll(NULL, 0, &wait, NULL);
	if (*pause < LONGEST_PAUSE)
		*pause *= 2;
}

/* Places are looked at one after the other, while others come, go and recover what the dead left.
 * That there is none is believed of two looks between which none was taken; and of one that is
 * recovered after some time only, since who does it may be stopped. */
static int attach_locked(struct reeve_arena *arena, const char *name)
{
	reeve_nsec deadline = reeve_now() + arena_patience, pause = FIRST_PAUSE;
	struct look before, now = { 0 };
	int r = take_free_place(arena, name, &now);

	while (r == -EUSERS) {
		before = now;
		if (before.passing)
			pause_for(&pause);
		(void)arena_recover_locked(arena, 0);
		r = take_free_place(arena, name, &now);
		if (!now.passing && now.epochs == before.epochs)
			break;
		if (reeve_now() >= deadline)
			break;
	}
	return r;
}

int reeve_arena_attach(struct reeve_arena *arena, const char *name)
{
	int r;

	if (!arena)
		return -EFAULT;
	if (name && strnlen(name, ARENA_NAME_SIZE) > REEVE_ARENA_NAME_MAX)
		return -ENAMETOOLONG;
	pthread_mutex_lock(&arena->mutex);
	r = atomic_load(&arena->self)
		    ? -EISCONN
		    : attach_locked(arena, name ? name : program_invocation_short_name);
	pthread_mutex_unlock(&arena->mutex);
	return r;
}

int reeve_arena_self(struct reeve_arena *arena)
{
	int r;

	if (!arena)
		return -EFAULT;
	pthread_mutex_lock(&arena->mutex);
	r = (int)atomic_load(&arena->self);
	if (r == 0)
		r = attach_locked(arena, program_invocation_short_name);
	pthread_mutex_unlock(&arena->mutex);
	return r;
}

static int detach_locked(struct reeve_arena *arena, reeve_nsec deadline)
{
	unsigned number = atomic_load(&arena->self);
	int r;

	if (number == 0)
		return -ENOTCONN;
	atomic_store(&arena->pulse, &arena->idle);
	r = sweep(arena, number, deadline);
	if (r < 0) {
		struct arena_slot *slot = arena_slot(arena, number);
		uint64_t word = atomic_load(&slot->word);

		atomic_store(&slot->word, slot_word(SLOT_TAKEN, 0, slot_epoch(word)));
		atomic_store(&arena->pulse, arena_line(arena, number));
		return r;
	}
	atomic_store(&arena->self, 0);
	arena_unlock(arena, number);
	return 0;
}

int reeve_arena_detach(struct reeve_arena *arena, reeve_nsec timeout)
{
	reeve_nsec deadline;
	int r;

	if (!arena)
		return -EFAULT;
	r = deadline_from(timeout, &deadline);
	if (r < 0)
		return r;
	pthread_mutex_lock(&arena->mutex);
	r = detach_locked(arena, deadline);
	pthread_mutex_unlock(&arena->mutex);
	return r;
}

static void copy_slot(const struct arena_slot *slot, struct reeve_arena_participant *ret)
{
	ret->pid = slot->pid;
	ret->tid = slot->tid;
	ret->start_time = slot->start_time;
	memcpy(ret->name, slot->name, sizeof ret->name);
	ret->name[REEVE_ARENA_NAME_MAX] = '\0';
}

/* What the word and the lock together say. */
static int state_of(struct reeve_arena *arena, unsigned number, uint64_t word)
{
	int held;

	if (slot_state(word) == SLOT_FREE)
		return REEVE_ARENA_FREE;
	if (number == atomic_load(&arena->self))
		return REEVE_ARENA_ALIVE;
	held = arena_lock_is_held(arena, number);
	if (held < 0)
		return held;
	if (!held)
		return REEVE_ARENA_DEAD;
	return slot_state(word) == SLOT_TAKEN ? REEVE_ARENA_ALIVE : REEVE_ARENA_SWEPT;
}

int reeve_arena_participant(
	struct reeve_arena *arena, unsigned number, struct reeve_arena_participant *ret)
{
	struct reeve_arena_participant found = { .number = number };
	unsigned tries = CONSISTENT_TRIES;
	uint64_t word;
	int r;

	if (!arena || !ret)
		return -EFAULT;
	if (number == 0 || number > arena->participants)
		return -ERANGE;
	pthread_mutex_lock(&arena->mutex);
	do {
		word = atomic_load(&arena_slot(arena, number)->word);
		copy_slot(arena_slot(arena, number), &found);
		r = state_of(arena, number, word);
	} while (r >= 0 && --tries && word != atomic_load(&arena_slot(arena, number)->word));
	pthread_mutex_unlock(&arena->mutex);
	if (r < 0)
		return r;
	found.state = (enum reeve_arena_state)r;
	found.epoch = slot_epoch(word);
	found.sweeper = slot_state(word) == SLOT_TAKEN ? 0 : slot_sweeper(word);
	*ret = found;
	return 0;
}
