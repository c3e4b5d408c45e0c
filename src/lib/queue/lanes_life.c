/* The throughput form (lanes.h): its memory, what is there, its end, and the dead. */
#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"
#include "lib/queue/lanes.h"

/* --- Memory ----------------------------------------------------------------------------------- */

static uint64_t round_up(uint64_t bytes, uint64_t to)
{
	return (bytes + to - 1) / to * to;
}

/* Before a cell, so that what is copied to it is aligned to a line; unless it is that short that it
 * should take as few lines as possible. */
static uint64_t margin_of(const struct reeve_queue_spec *spec)
{
	return spec->message_max > 256 ? 64 - sizeof(struct lane_cell) : 0;
}

/* An odd number of lines, if they are many: cells whose distance is a power of two would all
 * contend for the same lines of a cache. */
static uint64_t stride_of(const struct reeve_queue_spec *spec)
{
	uint64_t bytes = margin_of(spec) + sizeof(struct lane_cell) + spec->message_max;
	uint64_t lines = round_up(bytes, 64) / 64;

	return 64 * (lines > 2 ? lines | 1 : lines);
}

/* More cells than messages make an index cheaper; but not of long messages. */
static uint64_t cells_of(const struct reeve_queue_spec *spec)
{
	uint64_t cells = 1;

	if (stride_of(spec) > 1024)
		return spec->capacity;
	while (cells < spec->capacity)
		cells *= 2;
	return cells;
}

static uint64_t claims_end(unsigned count)
{
	return round_up(sizeof(struct lanes_shared) + count * sizeof(uint64_t), APART);
}

static uint64_t cells_begin(unsigned count)
{
	return claims_end(count) + count * sizeof(struct lane);
}

static uint64_t lane_bytes(const struct reeve_queue_spec *spec)
{
	return round_up(cells_of(spec) * stride_of(spec), APART);
}

uint64_t lanes_bytes(const struct reeve_queue_spec *spec)
{
	unsigned count = spec->producers + 1;

	return APART + cells_begin(count) + count * lane_bytes(spec);
}

/* Objects are aligned to one line. */
static unsigned char *begin_of(const struct queue_object *object)
{
	return (unsigned char *)round_up((uintptr_t)object->memory, APART);
}

static void view(const struct queue_object *object, struct lanes *ret)
{
	const struct reeve_queue_spec *spec = &object->spec;
	unsigned char *begin = begin_of(object);
	unsigned count = spec->producers + 1;
	uint64_t cells = cells_of(spec);

	*ret = (struct lanes){
		.object = *object,
		.shared = (struct lanes_shared *)begin,
		.lanes = (struct lane *)(begin + claims_end(count)),
		.cells = begin + cells_begin(count) + margin_of(spec),
		.capacity = spec->capacity,
		.message_max = spec->message_max,
		.stride = stride_of(spec),
		.per_lane = lane_bytes(spec),
		.mask = (cells & (cells - 1)) == 0 ? cells - 1 : 0,
		.count = count,
		.fenced = ((struct lanes_shared *)begin)->fenced != 0,
	};
}

static int register_barrier(void)
{
	return sys_membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0) < 0 ? -errno : 0;
}

void lanes_init(const struct queue_object *object)
{
	struct lanes_shared *shared = (struct lanes_shared *)begin_of(object);

	shared->fenced = register_barrier() < 0;
}

/* A forked child is registered as its parent was. */
int lanes_open(const struct queue_object *object, void **ret_state)
{
	CLEANUP_FREE struct lanes *lanes = sys_calloc(1, sizeof *lanes);
	int r = 0;

	if (!lanes)
		return -ENOMEM;
	view(object, lanes);
	if (!lanes->fenced)
		r = register_barrier();
	if (r == 0)
		r = lanes_register(lanes);
	if (r < 0)
		return r;
	*ret_state = TAKE_PTR(lanes);
	return 0;
}

void lanes_free(void *state)
{
	lanes_unregister(state);
	free(state);
}

int lanes_barrier(const struct lanes *lanes)
{
	full_fence();
	if (lanes->fenced)
		return 0;
	return sys_membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0) < 0 ? -errno : 0;
}

/* Without it a wake-up might be missed that comes in the same nanoseconds: arena_wait() looks again
 * soon. */
void lanes_before_sleep(void *state)
{
	(void)lanes_barrier(state);
}

/* --- What is there ---------------------------------------------------------------------------- */

#define CONSISTENT_TRIES 16

/* How many messages are in a lane, and its head: as of one moment, if that was to be had. */
static uint64_t count_messages(
	const struct lanes *lanes, const struct lane *lane, uint64_t *ret_head)
{
	unsigned tries = CONSISTENT_TRIES;
	uint64_t head, count;

	do {
		head = atomic_load(&lane->head);
		count = lane_tail(lanes, lane) - head;
	} while (atomic_load(&lane->head) != head && --tries);
	*ret_head = head;
	return count;
}

bool lane_is_full(const struct lanes *lanes, const struct lane *lane)
{
	uint64_t head;

	return count_messages(lanes, lane, &head) == lanes->capacity;
}

static bool is_kept(uint64_t word)
{
	return hold_of(word) == HOLD_KEPT || hold_of(word) == HOLD_ENDING;
}

ssize_t lanes_size(void *state)
{
	const struct lanes *lanes = state;
	uint64_t size = 0;

	for (unsigned i = 0; i < lanes_used(lanes); i++) {
		const struct lane *lane = &lanes->lanes[i];
		uint64_t owner = atomic_load(&lane->owner), head;
		uint64_t count = count_messages(lanes, lane, &head);

		if (count > lanes->capacity)
			return -EUCLEAN;
		if (count && is_kept(owner) && hold_is_at(owner, head))
			count--;
		size += count;
	}
	return (ssize_t)size;
}

int lanes_is_full(void *state)
{
	const struct lanes *lanes = state;
	int self = arena_self(lanes->object.arena);

	return self < 0 ? self : lane_is_full(lanes, lanes_next_lane(lanes, (unsigned)self));
}

uint64_t lanes_stamp(void *state, bool for_room)
{
	const struct lanes *lanes = state;
	uint64_t stamp = atomic_load(&lanes->object.header->redelivered);

	for (unsigned i = 0; i < lanes_used(lanes); i++)
		stamp += atomic_load(&lanes->lanes[i].tail) + atomic_load(&lanes->lanes[i].head);
	return stamp;
}

void lanes_statistics(void *state, struct reeve_queue_statistics *ret)
{
	const struct lanes *lanes = state;

	*ret = (struct reeve_queue_statistics){
		.redelivered = atomic_load(&lanes->object.header->redelivered),
		.dropped = atomic_load(&lanes->object.header->dropped),
	};
	for (unsigned i = 0; i < lanes_used(lanes); i++) {
		ret->got += atomic_load(&lanes->lanes[i].head);
		ret->put += lane_tail(lanes, &lanes->lanes[i]);
	}
}

/* --- The end ---------------------------------------------------------------------------------- */

int lanes_seal(const struct lanes *lanes)
{
	int r;

	if (atomic_load(&lanes->shared->sealed))
		return 0;
	r = lanes_barrier(lanes);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < lanes->count; i++) {
		struct lane *lane = &lanes->lanes[i];
		uint64_t open = 0, tail = atomic_load(&lane->tail);

		atomic_compare_exchange_strong(&lane->seal, &open, seal_at(tail));
	}
	atomic_store(&lanes->shared->sealed, 1);
	return 0;
}

/* Where it cannot be sealed nothing is there: what is may not be got. */
uint64_t lane_sealed_tail(const struct lanes *lanes, const struct lane *lane, uint64_t tail)
{
	uint64_t seal;

	(void)lanes_seal(lanes);
	seal = atomic_load(&lane->seal);
	if (!seal)
		return atomic_load(&lane->head);
	return tail < seal >> 1 ? tail : seal >> 1;
}

int lanes_close(void *state)
{
	const struct lanes *lanes = state;

	atomic_store(&lanes->shared->closing, 1);
	return lanes_seal(lanes);
}

int lanes_is_closed(void *state)
{
	return lanes_are_closing(state);
}

/* A lane is empty for good. The last message may be peeked at by the caller's own process: that
 * ends it, or dies with the caller. */
static bool lane_is_over(const struct lanes *lanes, const struct lane *lane, unsigned self)
{
	uint64_t owner = atomic_load(&lane->owner), head;
	uint64_t count = count_messages(lanes, lane, &head);

	return count == 0 || (count == 1 && is_kept(owner) && hold_participant(owner) == self);
}

int lanes_is_over(void *state, unsigned self)
{
	const struct lanes *lanes = state;

	if (!atomic_load(&lanes->shared->sealed))
		return 0;
	for (unsigned i = 0; i < lanes_used(lanes); i++)
		if (!lane_is_over(lanes, &lanes->lanes[i], self))
			return 0;
	return 1;
}

/* --- The dead --------------------------------------------------------------------------------- */

/* A message that its dead consumer may have seen. */
static void recover_kept(const struct lanes *lanes, struct lane *lane, uint64_t owner)
{
	struct queue_header *header = lanes->object.header;
	uint64_t head = atomic_load(&lane->head);

	if (!hold_is_at(owner, head) || !lane_has_message(lane))
		return;
	if (lanes->object.spec.on_death == REEVE_QUEUE_REDELIVER) {
		lane_cell(lanes, lane, head)->redelivered = 1;
		atomic_fetch_add(&header->redelivered, 1);
	} else {
		atomic_fetch_add(&header->dropped, 1);
		atomic_compare_exchange_strong(&lane->head, &head, head + 1);
	}
}

static void recover_owner(const struct lanes *lanes, struct lane *lane, unsigned participant)
{
	uint64_t owner = atomic_load(&lane->owner);

	if (hold_participant(owner) != participant)
		return;
	if (is_kept(owner))
		recover_kept(lanes, lane, owner);
	atomic_compare_exchange_strong(&lane->owner, &owner, 0);
}

static void recover_writer(const struct lanes *lanes, unsigned index, unsigned participant)
{
	_Atomic uint64_t *claim = &lanes->shared->claims[index];
	uint64_t writer = atomic_load(&lanes->lanes[index].writer), word = atomic_load(claim);

	if (hold_participant(writer) == participant)
		atomic_compare_exchange_strong(&lanes->lanes[index].writer, &writer, 0);
	if (claim_participant(word) == participant)
		atomic_compare_exchange_strong(claim, &word, 0);
}

int lanes_recover(const struct queue_object *object, unsigned participant)
{
	struct lanes lanes;

	view(object, &lanes);
	for (unsigned i = 0; i < lanes.count; i++) {
		recover_owner(&lanes, &lanes.lanes[i], participant);
		recover_writer(&lanes, i, participant);
	}
	return lanes_are_closing(&lanes) ? lanes_seal(&lanes) : 0;
}
