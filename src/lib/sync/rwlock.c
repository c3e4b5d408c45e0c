/* One word for the writer, and for each participant a line of its own with a count of readers.
 *
 * A reader counts itself, then looks whether there is a writer; a writer claims the word, then
 * looks at the counts: one of two sees the other. A reader who sees a writer takes its count back
 * and waits for the word; a writer who sees readers waits until they have left. As long as he does
 * the word says so (HOLD_DRAINING): if he dies then, he has changed nothing.
 *
 * What a dead writer left undone can be repaired by one alone. So the next one has it for writing,
 * even if he came to read. */
#include "lib/base/interrupt.h"
#include "lib/base/relax.h"
#include "lib/arena/eventcount.h"
#include "lib/sync/hold.h"

#define READS_MAX 0x7fffffffu

struct reader {
	_Atomic uint32_t count;
	_Atomic pid_t tid;        /* the last that took hold */
	_Atomic reeve_nsec since; /* and when */
	unsigned char reserved[64 - 16];
};

struct rwlock {
	struct hold writer;
	struct eventcount left; /* readers did */
	unsigned char reserved[64 - sizeof(struct hold) - sizeof(struct eventcount)];
	struct reader readers[]; /* of participant 1, 2 ... */
};

struct reeve_rwlock {
	struct sync sync;
};

static uint64_t size_for(unsigned participants)
{
	return sizeof(struct rwlock) + participants * sizeof(struct reader);
}

static int check(struct sync *sync)
{
	return sync->size < size_for(sync->arena->participants) ? -EUCLEAN : 0;
}

static const struct sync_kind kind = {
	.type = ARENA_TYPE_RWLOCK,
	.handle_size = sizeof(struct reeve_rwlock),
	.least = sizeof(struct rwlock) + sizeof(struct reader),
	.check = check,
};

static struct reader *reader_of(struct rwlock *lock, unsigned participant)
{
	return &lock->readers[participant - 1];
}

static int recover(struct reeve_arena *arena, void *object, uint64_t size, unsigned participant)
{
	struct rwlock *lock = object;

	if (size < size_for(participant))
		return -EUCLEAN;
	atomic_store(&reader_of(lock, participant)->count, 0);
	eventcount_recover(&lock->left);
	hold_recover(&lock->writer, participant);
	return 0;
}

const struct arena_type sync_rwlock_type = { .number = ARENA_TYPE_RWLOCK, .recover = recover };

SYNC_HANDLE_FUNCTIONS(rwlock, &kind)

int reeve_rwlock_new(
	struct reeve_arena *arena, const char *name, reeve_nsec timeout, struct reeve_rwlock **ret)
{
	struct sync *sync;
	int r;

	if (!arena || !ret)
		return -EFAULT;
	r = sync_new(arena, name, &kind, size_for(arena->participants), NULL, NULL, timeout, &sync);
	if (r == 0)
		*ret = (struct reeve_rwlock *)sync;
	return r;
}

/* --- Reading ---------------------------------------------------------------------------------- */

static void note_reader(struct reader *reader)
{
	atomic_store_explicit(&reader->tid, thread_id(), memory_order_relaxed);
	atomic_store_explicit(&reader->since, sync_now(), memory_order_relaxed);
}

static void leave(struct rwlock *lock, struct reader *reader)
{
	atomic_fetch_sub(&reader->count, 1);
	eventcount_notify(&lock->left, 1);
}

/* Whether it is held for reading now; else what kept the caller from it: the word, or an error. */
static bool try_read(struct rwlock *lock, struct reader *reader, uint64_t *ret_word)
{
	atomic_fetch_add(&reader->count, 1);
	*ret_word = atomic_load(&lock->writer.word);
	if (hold_participant(*ret_word) == 0 && !(*ret_word & HOLD_DIED)) {
		note_reader(reader);
		return true;
	}
	leave(lock, reader);
	return false;
}

/* For a reader who found that a writer died. */
static int write_in_readers_place(struct reeve_rwlock *handle, reeve_nsec deadline)
{
	int r = reeve_rwlock_acquire_write(handle, deadline_left(deadline));

	return r == 0 ? reeve_rwlock_downgrade(handle) : r; /* another has repaired it */
}

int reeve_rwlock_acquire_read(struct reeve_rwlock *handle, reeve_nsec timeout)
{
	struct rwlock *lock;
	struct reader *reader;
	reeve_nsec deadline;
	uint64_t word;
	int r, self;

	if (!handle)
		return -EFAULT;
	r = deadline_from(timeout, &deadline);
	if (r < 0)
		return r;
	self = arena_self(handle->sync.arena);
	if (self < 0)
		return self;
	lock = handle->sync.memory;
	reader = reader_of(lock, (unsigned)self);
	while (r == 0) {
		if (atomic_load(&reader->count) >= READS_MAX)
			return -EUCLEAN;
		if (try_read(lock, reader, &word))
			return 0;
		r = hold_check(handle->sync.arena, word);
		if (r < 0)
			return r;
		if (hold_participant(word) == 0)
			return write_in_readers_place(handle, deadline);
		if (hold_owner(word) == hold_by((unsigned)self, thread_id()))
			return -EDEADLK;
		if (timeout == 0)
			return -ETIMEDOUT;
		word = hold_look(&lock->writer);
		if (hold_participant(word))
			r = hold_wait(handle->sync.arena, &lock->writer, word, deadline);
	}
	return r;
}

/* --- Writing ---------------------------------------------------------------------------------- */

#define LOOKS 8u

/* Until one participant does not read. */
static int wait_for_reader(
	struct reeve_arena *arena, struct rwlock *lock, unsigned participant, reeve_nsec deadline)
{
	struct reader *reader = reader_of(lock, participant);
	int r = 0;

	for (unsigned i = 0; i < LOOKS && atomic_load(&reader->count); i++)
		relax(4);
	while (r == 0 && atomic_load(&reader->count)) {
		uint32_t key = eventcount_prepare(&lock->left);
		uint64_t place = sync_place(arena, participant);

		if (atomic_load(&reader->count) == 0)
			break;
		r = eventcount_wait(arena, &lock->left, key, deadline);
		if (r == 0 && atomic_load(&reader->count) &&
			sync_is_nobodys(arena, participant, place))
			return -EUCLEAN;
	}
	return r;
}

/* Give up the claim: whoever was to be told of a death still is. */
static void unclaim(struct hold *writer)
{
	uint64_t word = atomic_load(&writer->word);

	atomic_store_explicit(&writer->since, 0, memory_order_relaxed);
	while (!atomic_compare_exchange_weak(&writer->word, &word, word & HOLD_DIED))
		continue;
	if (word & HOLD_WAITERS)
		arena_wake(&writer->lower, INT_MAX);
}

int reeve_rwlock_acquire_write(struct reeve_rwlock *handle, reeve_nsec timeout)
{
	struct reeve_arena *arena;
	struct rwlock *lock;
	reeve_nsec deadline;
	uint64_t word;
	int r;

	if (!handle)
		return -EFAULT;
	r = deadline_from(timeout, &deadline);
	if (r < 0)
		return r;
	arena = handle->sync.arena;
	lock = handle->sync.memory;
	r = hold_acquire(arena, &lock->writer, HOLD_DRAINING, timeout);
	if (r < 0 && r != -EOWNERDEAD)
		return r;
	r = 0;
	for (unsigned i = 1; i <= arena->participants && r == 0; i++)
		if (atomic_load(&reader_of(lock, i)->count))
			r = wait_for_reader(arena, lock, i, deadline);
	if (r < 0) {
		unclaim(&lock->writer);
		return r;
	}
	word = atomic_fetch_and(&lock->writer.word, ~(uint64_t)(HOLD_DRAINING | HOLD_DIED));
	return word & HOLD_DIED ? -EOWNERDEAD : 0;
}

/* --- Either ----------------------------------------------------------------------------------- */

int reeve_rwlock_downgrade(struct reeve_rwlock *handle)
{
	struct reeve_arena *arena;
	struct rwlock *lock;
	struct reader *reader;

	if (!handle)
		return -EFAULT;
	arena = handle->sync.arena;
	lock = handle->sync.memory;
	if (!hold_is_mine(arena, &lock->writer))
		return -EPERM;
	reader = reader_of(lock, (unsigned)arena_self(arena));
	atomic_fetch_add(&reader->count, 1);
	note_reader(reader);
	hold_release(&lock->writer, INT_MAX);
	return 0;
}

static int release_read(struct rwlock *lock, struct reader *reader)
{
	uint32_t count = atomic_load(&reader->count);

	do
		if (count == 0)
			return -EPERM;
	while (!atomic_compare_exchange_weak(&reader->count, &count, count - 1));
	eventcount_notify(&lock->left, 1);
	return 0;
}

int reeve_rwlock_release(struct reeve_rwlock *handle)
{
	struct rwlock *lock;
	unsigned self;

	if (!handle)
		return -EFAULT;
	lock = handle->sync.memory;
	self = atomic_load_explicit(&handle->sync.arena->self, memory_order_relaxed);
	if (self == 0)
		return -EPERM;
	if (!hold_is_mine(handle->sync.arena, &lock->writer))
		return release_read(lock, reader_of(lock, self));
	hold_release(&lock->writer, INT_MAX);
	return 0;
}

static int holding_readers(struct reeve_rwlock *handle, struct reeve_sync_holder *ret, size_t size)
{
	int found = 0;

	for (unsigned i = 1; i <= handle->sync.arena->participants; i++) {
		struct reader *reader = reader_of(handle->sync.memory, i);

		if (atomic_load(&reader->count) == 0)
			continue;
		if ((size_t)found < size) {
			int r = sync_holder(handle->sync.arena, i, atomic_load(&reader->tid),
				atomic_load(&reader->since), &ret[found]);

			if (r < 0)
				return r;
		}
		found++;
	}
	return found;
}

int reeve_rwlock_holders(
	struct reeve_rwlock *handle, struct reeve_sync_holder *ret, size_t size, bool *ret_writing)
{
	struct reeve_sync_holder writer;
	struct rwlock *lock;
	int r;

	if (!handle || (!ret && size) || !ret_writing)
		return -EFAULT;
	lock = handle->sync.memory;
	r = hold_holder(handle->sync.arena, &lock->writer, &writer);
	if (r < 0)
		return r;
	*ret_writing = r == 1 && !(atomic_load(&lock->writer.word) & HOLD_DRAINING);
	if (!*ret_writing)
		return holding_readers(handle, ret, size);
	if (size)
		*ret = writer;
	return 1;
}
