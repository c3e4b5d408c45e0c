/* Which thread puts into which lane.
 *
 * A claim names a participant, a thread of it, and the handle through which it puts; so it is
 * unmistakable, and nobody but the thread itself, the end of the thread or of the handle, and
 * recovery takes it away. A thread's end is learned from pthread_key_create(3). */
#include <errno.h>
#include <pthread.h>

#include "lib/base/fork.h"
#include "lib/base/sys.h"
#include "lib/base/thread_id.h"
#include "lib/queue/lanes.h"

_Thread_local struct lanes_thread lanes_threads[LANES_KNOWN];

/* All handles of this process, for threads that end. A leaf: nothing else is locked while it is
 * held. */
static pthread_mutex_t handles_lock = PTHREAD_MUTEX_INITIALIZER;
static struct list handles = { &handles, &handles };
static uint64_t last_serial;
static pthread_key_t key;

/* --- Claims ----------------------------------------------------------------------------------- */

static uint64_t claim_of(const struct lanes *lanes, unsigned self)
{
	return lanes->serial << 40 | (uint64_t)((uint32_t)thread_id() & 0xffffff) << 16 | self;
}

/* What is reserved outlasts the thread; whoever ends it frees the lane then. Each of the two
 * writes its own word before it reads the other's. */
static void give_up(const struct lanes *lanes, unsigned index, uint64_t claim)
{
	_Atomic uint64_t *word = &lanes->shared->claims[index];

	if (!atomic_compare_exchange_strong(word, &claim, claim | CLAIM_ORPHAN))
		return;
	claim |= CLAIM_ORPHAN;
	if (atomic_load(&lanes->lanes[index].writer) == 0)
		atomic_compare_exchange_strong(word, &claim, 0);
}

void lanes_claim_ended(const struct lanes *lanes, const struct lane *lane)
{
	_Atomic uint64_t *word = &lanes->shared->claims[lane - lanes->lanes];
	uint64_t claim = atomic_load(word);

	if (claim & CLAIM_ORPHAN)
		atomic_compare_exchange_strong(word, &claim, 0);
}

static void raise_used(const struct lanes *lanes, unsigned index)
{
	uint32_t used = atomic_load(&lanes->shared->used);

	while (used < index && !atomic_compare_exchange_weak(&lanes->shared->used, &used, index)) {
	}
}

/* The lane that the thread has already, or 0. */
static unsigned find_own(const struct lanes *lanes, uint64_t claim)
{
	for (unsigned i = 1; i < lanes->count; i++)
		if (atomic_load(&lanes->shared->claims[i]) == claim)
			return i;
	return SHARED_LANE;
}

/* A lane that is nobody's, if possible without messages that another left there; or 0. */
static unsigned find_free(const struct lanes *lanes)
{
	unsigned found = SHARED_LANE;

	for (unsigned i = 1; i < lanes->count; i++) {
		if (atomic_load(&lanes->shared->claims[i]))
			continue;
		if (!lane_has_message(&lanes->lanes[i]))
			return i;
		if (!found)
			found = i;
	}
	return found;
}

/* Who could not be told of the thread's end leaves it be. */
static unsigned claim_free(const struct lanes *lanes, uint64_t claim)
{
	unsigned index;

	if (pthread_setspecific(key, &key))
		return SHARED_LANE;
	while ((index = find_free(lanes)) != SHARED_LANE) {
		uint64_t nobody = 0;

		raise_used(lanes, index);
		if (atomic_compare_exchange_strong(&lanes->shared->claims[index], &nobody, claim))
			break;
	}
	return index;
}

const struct lane *lanes_next_lane(const struct lanes *lanes, unsigned self)
{
	unsigned index = find_own(lanes, claim_of(lanes, self));

	if (!index && !lane_has_message(&lanes->lanes[SHARED_LANE]))
		index = find_free(lanes);
	return &lanes->lanes[index];
}

struct lane *lanes_claim(const struct lanes *lanes, struct lanes_thread *thread)
{
	uint64_t claim = claim_of(lanes, thread->self);
	unsigned index = find_own(lanes, claim);

	if (!index && !lane_has_message(&lanes->lanes[SHARED_LANE]))
		index = claim_free(lanes, claim);
	thread->put_lane = index;
	thread->claim = index ? claim : 0;
	return &lanes->lanes[index];
}

void lanes_thread_begin(const struct lanes *lanes, unsigned self, struct lanes_thread *ret)
{
	/* Getters begin with different lanes. */
	*ret = (struct lanes_thread){
		.serial = lanes->serial, .self = self, .get_lane = (unsigned)thread_id()
	};
}

/* --- Handles ---------------------------------------------------------------------------------- */

static void give_up_all(const struct lanes *lanes, uint64_t mask, uint64_t claim)
{
	for (unsigned i = 1; i < lanes->count; i++) {
		uint64_t word = atomic_load(&lanes->shared->claims[i]);

		if ((word & mask) == claim && !(word & CLAIM_ORPHAN))
			give_up(lanes, i, word);
	}
}

/* 0 in a forked child that has not used the arena yet: it has claimed nothing. */
static unsigned self_of(const struct lanes *lanes)
{
	return atomic_load(&lanes->object.arena->self);
}

static void end_of_thread(void *unused)
{
	pthread_mutex_lock(&handles_lock);
	for (struct list *link = handles.next; link != &handles; link = link->next) {
		const struct lanes *lanes = LIST_ENTRY(link, struct lanes, link);

		if (self_of(lanes))
			give_up_all(lanes, UINT64_MAX, claim_of(lanes, self_of(lanes)));
	}
	pthread_mutex_unlock(&handles_lock);
}

static void before_fork(void)
{
	pthread_mutex_lock(&handles_lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&handles_lock);
}

/* Once, but for tries that failed. */
static int prepare(void)
{
	static bool has_key, watches_forks;
	int r = fork_watch(); /* for thread_id() */

	if (r == 0 && !has_key) {
		r = -sys_pthread_key_create(&key, end_of_thread);
		has_key = r == 0;
	}
	if (r == 0 && !watches_forks) {
		r = -sys_pthread_atfork(before_fork, after_fork, after_fork);
		watches_forks = r == 0;
	}
	return r;
}

int lanes_register(struct lanes *lanes)
{
	int r;

	pthread_mutex_lock(&handles_lock);
	r = prepare();
	if (r == 0) {
		lanes->serial = ++last_serial;
		list_append(&handles, &lanes->link);
	}
	pthread_mutex_unlock(&handles_lock);
	return r;
}

void lanes_unregister(struct lanes *lanes)
{
	const uint64_t of_handle = ~(uint64_t)0 << 40 | 0xffff;

	pthread_mutex_lock(&handles_lock);
	list_remove(&lanes->link);
	pthread_mutex_unlock(&handles_lock);
	if (self_of(lanes))
		give_up_all(lanes, of_handle, lanes->serial << 40 | self_of(lanes));
}
