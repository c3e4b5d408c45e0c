/* A word with the number of the round, and a cell for each party.
 *
 * To arrive is to claim the first free cell for the round, with one store. So the cells are claimed in
 * order, and the round is complete when the last one is: who claims it, or whoever finds it claimed,
 * says so in the word, with one store. Who has arrived stays in its cell until it knows how the round
 * ended; who comes for the next one waits for the cell. So of the rounds that were completed the word
 * need keep only the last.
 *
 * The word ends a round in one of three ways, and only one: completed, broken, reset. */
#include "lib/base/interrupt.h"
#include "lib/arena/eventcount.h"
#include "lib/sync/hold.h"

/* The word: the round that was completed last, above the present one, above whether it is broken. */
#define BROKEN 1u
#define ROUND_SHIFT 1

struct barrier {
	union {
		_Atomic uint64_t word;
		_Atomic uint32_t lower; /* for futex(2) */
	};
	struct eventcount left; /* who had arrived did */
	uint32_t parties;
	unsigned char reserved[64 - 16];
	_Atomic uint64_t cells[]; /* round << 32 | participant; participant 0: free */
};

struct reeve_barrier {
	struct sync sync;
	uint32_t parties;
};

static uint32_t most_cells(uint64_t size)
{
	uint64_t most = (size - sizeof(struct barrier)) / sizeof(uint64_t);

	return most < REEVE_BARRIER_PARTIES_MAX ? (uint32_t)most : REEVE_BARRIER_PARTIES_MAX;
}

static int check(struct sync *sync)
{
	struct reeve_barrier *handle = (struct reeve_barrier *)sync;
	const struct barrier *barrier = sync->memory;

	handle->parties = __atomic_load_n(&barrier->parties, __ATOMIC_RELAXED);
	return handle->parties > 0 && handle->parties <= most_cells(sync->size) ? 0 : -EUCLEAN;
}

static const struct sync_kind kind = {
	.type = ARENA_TYPE_BARRIER,
	.handle_size = sizeof(struct reeve_barrier),
	.least = sizeof(struct barrier) + sizeof(uint64_t),
	.check = check,
};

static uint32_t round_of(uint64_t word)
{
	return (uint32_t)word >> ROUND_SHIFT;
}

static uint32_t last_completed(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

/* The word in a round that goes on. */
static uint64_t word_of(uint32_t completed, uint32_t round)
{
	return (uint64_t)completed << 32 | (uint32_t)(round << ROUND_SHIFT);
}

static bool goes_on(uint64_t word, uint32_t round)
{
	return (uint32_t)word == (uint32_t)(round << ROUND_SHIFT);
}

static uint64_t arrival(uint32_t round, unsigned participant)
{
	return (uint64_t)round << 32 | participant;
}

static bool is_arrival(uint64_t cell, uint32_t round)
{
	return hold_participant(cell) && cell >> 32 == round;
}

/* Change the word, and tell those who wait for that. */
static bool change(struct barrier *barrier, uint64_t *word, uint64_t to)
{
	if (!atomic_compare_exchange_strong(&barrier->word, word, to))
		return false;
	arena_wake(&barrier->lower, INT_MAX);
	return true;
}

/* End the round, if it goes on: completed if all have arrived, else broken. Returns whether it was
 * broken by this call. */
static bool end_round(struct barrier *barrier, uint32_t parties, uint32_t round)
{
	bool complete = is_arrival(atomic_load(&barrier->cells[parties - 1]), round);
	uint64_t word = atomic_load(&barrier->word);

	while (goes_on(word, round))
		if (change(barrier, &word, complete ? word_of(round, round + 1) : word | BROKEN))
			return !complete;
	return false;
}

/* The dead had arrived, and may have been the last one. */
static int recover(struct reeve_arena *arena, void *object, uint64_t size, unsigned participant)
{
	struct barrier *barrier = object;
	uint32_t parties;

	if (size < kind.least)
		return -EUCLEAN;
	parties = __atomic_load_n(&barrier->parties, __ATOMIC_RELAXED);
	if (parties == 0 || parties > most_cells(size))
		return -EUCLEAN;
	for (uint32_t i = 0; i < parties; i++) {
		uint64_t cell = atomic_load(&barrier->cells[i]);

		if (hold_participant(cell) != participant)
			continue;
		end_round(barrier, parties, (uint32_t)(cell >> 32));
		atomic_compare_exchange_strong(
			&barrier->cells[i], &cell, cell & ~(uint64_t)HOLD_PARTICIPANT);
	}
	arena_wake(&barrier->lower, INT_MAX);
	eventcount_recover(&barrier->left);
	return 0;
}

const struct arena_type sync_barrier_type = { .number = ARENA_TYPE_BARRIER, .recover = recover };

SYNC_HANDLE_FUNCTIONS(barrier, &kind)

static int init(struct reeve_arena *arena, const struct arena_object *object, void *data)
{
	struct barrier *barrier = object->memory;
	const uint32_t *parties = data;

	barrier->parties = *parties;
	atomic_store(&barrier->word, word_of(0, 1));
	return 0;
}

int reeve_barrier_new(struct reeve_arena *arena, const char *name, unsigned parties,
	reeve_nsec timeout, struct reeve_barrier **ret)
{
	struct sync *sync;
	int r;

	if (!ret)
		return -EFAULT;
	if (parties == 0)
		return -EINVAL;
	if (parties > REEVE_BARRIER_PARTIES_MAX)
		return -EOVERFLOW;
	r = sync_new(arena, name, &kind, sizeof(struct barrier) + parties * sizeof(uint64_t), init,
		&parties, timeout, &sync);
	if (r == 0)
		*ret = (struct reeve_barrier *)sync;
	return r;
}

/* --- Arriving and leaving --------------------------------------------------------------------- */

/* Sleep until somebody of an earlier round has left its cell. */
static int wait_until_left(
	struct reeve_barrier *handle, _Atomic uint64_t *cell, uint64_t seen, reeve_nsec deadline)
{
	struct reeve_arena *arena = handle->sync.arena;
	struct barrier *barrier = handle->sync.memory;
	unsigned participant = hold_participant(seen);
	uint32_t key = eventcount_prepare(&barrier->left);
	uint64_t place;
	int r;

	if (participant > arena->participants)
		return -EUCLEAN;
	place = sync_place(arena, participant);
	if (atomic_load(cell) != seen)
		return 0;
	r = eventcount_wait(arena, &barrier->left, key, deadline);
	if (r == 0 && atomic_load(cell) == seen && sync_is_nobodys(arena, participant, place))
		return -EUCLEAN;
	return r;
}

/* Claim one cell for a round. Returns 1; 0: another has arrived there; -ESTALE: the round has ended;
 * or why waiting for it ended. */
static int claim(struct reeve_barrier *handle, _Atomic uint64_t *cell, uint32_t round,
	unsigned self, reeve_nsec deadline)
{
	struct barrier *barrier = handle->sync.memory;
	int r = 0;

	while (r == 0) {
		uint64_t seen = atomic_load(cell);

		/* Asked after the cell was seen: so it is not one of a later round. */
		if (!goes_on(atomic_load(&barrier->word), round))
			return -ESTALE;
		if (is_arrival(seen, round))
			return 0;
		if (hold_participant(seen))
			r = wait_until_left(handle, cell, seen, deadline);
		else if (atomic_compare_exchange_strong(cell, &seen, arrival(round, self)))
			return 1;
	}
	return r;
}

/* Claim the first free cell. Returns its index; -ESTALE: the round has ended. */
static int arrive_in(
	struct reeve_barrier *handle, uint32_t round, unsigned self, reeve_nsec deadline)
{
	struct barrier *barrier = handle->sync.memory;

	for (uint32_t i = 0; i < handle->parties; i++) {
		int r = claim(handle, &barrier->cells[i], round, self, deadline);

		if (r != 0)
			return r > 0 ? (int)i : r;
	}
	end_round(barrier, handle->parties, round); /* who arrived last has not done so yet */
	return -ESTALE;
}

/* In the present round, whichever that is. */
static int arrive(
	struct reeve_barrier *handle, unsigned self, reeve_nsec deadline, uint32_t *ret_round)
{
	struct barrier *barrier = handle->sync.memory;
	int r;

	do {
		uint64_t word = atomic_load(&barrier->word);

		if (word & BROKEN)
			return -EPIPE;
		*ret_round = round_of(word);
		r = arrive_in(handle, *ret_round, self, deadline);
	} while (r == -ESTALE);
	if (r < 0)
		end_round(barrier, handle->parties, *ret_round);
	return r;
}

static void leave(struct barrier *barrier, unsigned index, uint32_t round, unsigned self)
{
	uint64_t mine = arrival(round, self);

	atomic_compare_exchange_strong(&barrier->cells[index], &mine, arrival(round, 0));
	eventcount_notify(&barrier->left, INT_MAX);
}

/* Until the round has ended. Returns 0: completed; -EPIPE; or why the caller broke it. */
static int await_end(struct reeve_barrier *handle, uint32_t round, reeve_nsec deadline)
{
	struct barrier *barrier = handle->sync.memory;
	uint64_t word;
	int r = 0;

	for (;;) {
		word = atomic_load(&barrier->word);
		if (!goes_on(word, round))
			return last_completed(word) == round ? 0 : -EPIPE;
		r = arena_wait(handle->sync.arena, &barrier->lower, (uint32_t)word, deadline);
		if (r < 0 && end_round(barrier, handle->parties, round))
			return r;
	}
}

int reeve_barrier_wait(struct reeve_barrier *handle, reeve_nsec timeout)
{
	reeve_nsec deadline;
	uint32_t round;
	int r, self, index;

	if (!handle)
		return -EFAULT;
	r = deadline_from(timeout, &deadline);
	if (r < 0)
		return r;
	self = arena_self(handle->sync.arena);
	if (self < 0)
		return self;
	index = arrive(handle, (unsigned)self, deadline, &round);
	if (index < 0)
		return index;
	if ((uint32_t)index == handle->parties - 1)
		end_round(handle->sync.memory, handle->parties, round);
	r = await_end(handle, round, deadline);
	leave(handle->sync.memory, (unsigned)index, round, (unsigned)self);
	return r < 0 ? r : index;
}

/* --- Breaking and mending --------------------------------------------------------------------- */

int reeve_barrier_abort(struct reeve_barrier *handle)
{
	struct barrier *barrier;
	uint64_t word;

	if (!handle)
		return -EFAULT;
	barrier = handle->sync.memory;
	word = atomic_load(&barrier->word);
	while (!(word & BROKEN) && !change(barrier, &word, word | BROKEN))
		continue;
	return 0;
}

int reeve_barrier_reset(struct reeve_barrier *handle)
{
	struct barrier *barrier;
	uint64_t word;

	if (!handle)
		return -EFAULT;
	barrier = handle->sync.memory;
	word = atomic_load(&barrier->word);
	while (!change(barrier, &word, word_of(last_completed(word), round_of(word) + 1)))
		continue;
	return 0;
}

int reeve_barrier_is_broken(struct reeve_barrier *handle)
{
	struct barrier *barrier;

	if (!handle)
		return -EFAULT;
	barrier = handle->sync.memory;
	return (atomic_load(&barrier->word) & BROKEN) != 0;
}

int reeve_barrier_waiting(struct reeve_barrier *handle)
{
	struct barrier *barrier;
	uint64_t word;
	int waiting = 0;

	if (!handle)
		return -EFAULT;
	barrier = handle->sync.memory;
	word = atomic_load(&barrier->word);
	for (uint32_t i = 0; i < handle->parties && !(word & BROKEN); i++)
		if (is_arrival(atomic_load(&barrier->cells[i]), round_of(word)))
			waiting++;
	return waiting;
}

int reeve_barrier_parties(struct reeve_barrier *handle)
{
	return handle ? (int)handle->parties : -EFAULT;
}
