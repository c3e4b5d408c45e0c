/* A cell for each who waits, claimed with its owner in one store, and slept on.
 *
 * A notification changes cells, those of who waits longest, and wakes whoever sleeps there. It asks
 * for no answer, so nobody who died can be waited for. What one was notified of stays written in its
 * cell until it has the lock again; if it dies before, recovery hands the notification on. */
#include "lib/base/interrupt.h"
#include "lib/sync/hold.h"

/* A cell: the order of waiting, above what it is in, above whose it is. 0: free. */
#define WAITING ((uint64_t)1 << 14)
#define NOTIFIED ((uint64_t)2 << 14)
#define STATE ((uint64_t)3 << 14)
#define PARTICIPANT (((uint64_t)1 << 14) - 1)
#define TICKET_SHIFT 16
#define TICKET_MASK (((uint64_t)1 << 48) - 1)

_Static_assert(REEVE_ARENA_PARTICIPANTS_MAX <= PARTICIPANT, "a participant has room");

union cell {
	_Atomic uint64_t word;
	_Atomic uint32_t lower; /* for futex(2) */
};

struct condition {
	_Atomic uint64_t tickets; /* the next one */
	uint32_t waiters;         /* cells */
	unsigned char reserved[64 - 12];
	union cell cells[];
};

struct reeve_condition {
	struct sync sync;
	uint32_t waiters;
};

static uint32_t most_cells(uint64_t size)
{
	uint64_t most = (size - sizeof(struct condition)) / sizeof(union cell);

	return most < REEVE_CONDITION_WAITERS_MAX ? (uint32_t)most : REEVE_CONDITION_WAITERS_MAX;
}

static int check(struct sync *sync)
{
	struct reeve_condition *handle = (struct reeve_condition *)sync;
	const struct condition *condition = sync->memory;

	handle->waiters = __atomic_load_n(&condition->waiters, __ATOMIC_RELAXED);
	return handle->waiters > 0 && handle->waiters <= most_cells(sync->size) ? 0 : -EUCLEAN;
}

static const struct sync_kind kind = {
	.type = ARENA_TYPE_CONDITION,
	.handle_size = sizeof(struct reeve_condition),
	.least = sizeof(struct condition) + sizeof(union cell),
	.check = check,
};

static bool notify_cell(union cell *cell, uint64_t word)
{
	if (!atomic_compare_exchange_strong(&cell->word, &word, (word & ~STATE) | NOTIFIED))
		return false;
	arena_wake(&cell->lower, 1);
	return true;
}

/* The cell that waits longest, of those with a ticket below `limit`; NULL: none does. */
static union cell *longest_waiting(
	struct condition *condition, uint32_t cells, uint64_t limit, uint64_t *ret_word)
{
	union cell *found = NULL;
	uint64_t longest = 0;

	for (uint32_t i = 0; i < cells; i++) {
		uint64_t word = atomic_load(&condition->cells[i].word);
		uint64_t age = (limit - (word >> TICKET_SHIFT)) & TICKET_MASK;

		/* Half of all tickets are before, the others after it. */
		if ((word & STATE) != WAITING || age <= longest || age > TICKET_MASK / 2)
			continue;
		found = &condition->cells[i];
		longest = age;
		*ret_word = word;
	}
	return found;
}

/* Those that wait already, one after another. Returns how many it were. */
static unsigned notify(struct condition *condition, uint32_t cells, unsigned count)
{
	uint64_t limit = atomic_load(&condition->tickets), word;
	unsigned notified = 0, tries = cells;

	while (notified < count && tries--) {
		union cell *cell = longest_waiting(condition, cells, limit, &word);

		if (!cell)
			break;
		if (notify_cell(cell, word))
			notified++;
	}
	return notified;
}

static void recover_cell(
	struct condition *condition, uint32_t cells, union cell *cell, unsigned participant)
{
	uint64_t word = atomic_load(&cell->word);

	if ((word & STATE) == NOTIFIED && (word & PARTICIPANT) != participant)
		arena_wake(&cell->lower, 1); /* who notified may have died before he did */
	while (word && (word & PARTICIPANT) == participant) {
		if ((word & STATE) == NOTIFIED)
			notify(condition, cells, 1);
		if (atomic_compare_exchange_strong(&cell->word, &word, 0))
			break;
	}
}

/* First those that the dead still waited in, lest its notifications be handed on to itself. */
static int recover(struct reeve_arena *arena, void *object, uint64_t size, unsigned participant)
{
	struct condition *condition = object;
	uint32_t cells;

	if (size < kind.least)
		return -EUCLEAN;
	cells = most_cells(size);
	for (uint32_t i = 0; i < cells; i++) {
		uint64_t word = atomic_load(&condition->cells[i].word);

		if ((word & STATE) == WAITING && (word & PARTICIPANT) == participant)
			atomic_compare_exchange_strong(&condition->cells[i].word, &word, 0);
	}
	for (uint32_t i = 0; i < cells; i++)
		recover_cell(condition, cells, &condition->cells[i], participant);
	return 0;
}

const struct arena_type sync_condition_type = { .number = ARENA_TYPE_CONDITION,
	.recover = recover };

SYNC_HANDLE_FUNCTIONS(condition, &kind)

static int init(struct reeve_arena *arena, const struct arena_object *object, void *data)
{
	struct condition *condition = object->memory;
	const uint32_t *waiters = data;

	condition->waiters = *waiters;
	return 0;
}

int reeve_condition_new(struct reeve_arena *arena, const char *name, unsigned waiters,
	reeve_nsec timeout, struct reeve_condition **ret)
{
	struct sync *sync;
	int r;

	if (!ret)
		return -EFAULT;
	if (waiters > REEVE_CONDITION_WAITERS_MAX)
		return -EOVERFLOW;
	if (waiters == 0)
		waiters = REEVE_CONDITION_WAITERS_DEFAULT;
	r = sync_new(arena, name, &kind, sizeof(struct condition) + waiters * sizeof(union cell),
		init, &waiters, timeout, &sync);
	if (r == 0)
		*ret = (struct reeve_condition *)sync;
	return r;
}

/* A free cell becomes the caller's; NULL: there is none. */
static union cell *claim(struct reeve_condition *handle, unsigned self, uint64_t *ret_word)
{
	struct condition *condition = handle->sync.memory;
	uint64_t ticket = atomic_fetch_add(&condition->tickets, 1);

	*ret_word = ticket << TICKET_SHIFT | WAITING | self;
	for (uint32_t n = 0; n < handle->waiters; n++) {
		union cell *cell = &condition->cells[(ticket + n) % handle->waiters];
		uint64_t free = 0;

		if (atomic_load(&cell->word) == 0 &&
			atomic_compare_exchange_strong(&cell->word, &free, *ret_word))
			return cell;
	}
	return NULL;
}

/* Sleep until notified; where that fails the cell is free again. */
static int sleep_in(struct reeve_arena *arena, union cell *cell, uint64_t word, reeve_nsec deadline)
{
	uint64_t now = atomic_load(&cell->word);
	int r = 0;

	while (now == word) {
		if (r < 0 && atomic_compare_exchange_strong(&cell->word, &now, 0))
			return r;
		if (r == 0)
			r = arena_wait(arena, &cell->lower, (uint32_t)word, deadline);
		now = atomic_load(&cell->word);
	}
	return now == ((word & ~STATE) | NOTIFIED) ? 0 : -EUCLEAN;
}

static int acquire_again(struct reeve_arena *arena, struct hold *hold)
{
	int r;

	do
		r = hold_acquire(arena, hold, 0, REEVE_FOREVER);
	while (r == -EINTR);
	return r;
}

/* Either lock: one that is not recursive has depth 0, before and after. */
static int wait_with(struct reeve_condition *handle, struct sync *lock, reeve_nsec timeout)
{
	struct hold *hold;
	union cell *cell;
	reeve_nsec deadline;
	uint64_t word;
	uint32_t depth;
	int r, again;

	if (!handle || !lock)
		return -EFAULT;
	if (handle->sync.arena != lock->arena)
		return -EINVAL;
	r = deadline_from(timeout, &deadline);
	if (r < 0)
		return r;
	hold = lock->memory;
	if (!hold_is_mine(lock->arena, hold))
		return -EPERM;
	cell = claim(handle, atomic_load(&lock->arena->self), &word);
	if (!cell)
		return -EUSERS;
	depth = atomic_load(&hold->depth);
	hold_release(hold, 1);
	r = sleep_in(lock->arena, cell, word, deadline);
	again = acquire_again(lock->arena, hold);
	if (again == 0 || again == -EOWNERDEAD)
		atomic_store(&hold->depth, depth);
	if (r == 0)
		atomic_store(&cell->word, 0);
	return again < 0 ? again : r;
}

int reeve_condition_wait(
	struct reeve_condition *handle, struct reeve_lock *lock, reeve_nsec timeout)
{
	return wait_with(handle, (struct sync *)lock, timeout);
}

int reeve_condition_wait_recursive(
	struct reeve_condition *handle, struct reeve_recursive_lock *lock, reeve_nsec timeout)
{
	return wait_with(handle, (struct sync *)lock, timeout);
}

int reeve_condition_notify(struct reeve_condition *handle, unsigned count)
{
	int self;

	if (!handle)
		return -EFAULT;
	if (count == 0)
		return -EINVAL;
	self = arena_self(handle->sync.arena); /* so that its death is noticed */
	if (self < 0)
		return self;
	return (int)notify(handle->sync.memory, handle->waiters, count);
}

int reeve_condition_waiting(struct reeve_condition *handle)
{
	struct condition *condition;
	int waiting = 0;

	if (!handle)
		return -EFAULT;
	condition = handle->sync.memory;
	for (uint32_t i = 0; i < handle->waiters; i++)
		if ((atomic_load(&condition->cells[i].word) & STATE) == WAITING)
			waiting++;
	return waiting;
}
