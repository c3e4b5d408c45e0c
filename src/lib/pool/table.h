/* What a pool shows of itself in its arena: a header, that the master writes, and a row for each
 * place, of which one half is the master's and the other the worker's.
 *
 * Nothing here is held for anybody else, so that recovery only takes the dead one's name off
 * what it owned: then who reads knows that a row's worker, or the master, is no more, before its
 * number is given to another participant. */
#ifndef LIB_POOL_TABLE_H
#define LIB_POOL_TABLE_H

#include <stdatomic.h>

#include "lib/arena/arena.h"

#define POOL_TABLE_PLACES_MAX 1024u

struct pool_header {
	_Atomic uint32_t owner; /* the master's participant; 0: it is dead, or gone */
	_Atomic uint32_t wanted;
	_Atomic int32_t pid;
	_Atomic uint32_t reserved;
	_Atomic uint64_t requests; /* of workers that have ended */
	_Atomic uint64_t started, died, recycled, stuck;
	unsigned char padding[64 - 56];
};

/* What a worker is at, as it says itself. */
enum pool_activity { POOL_STARTING, POOL_IDLE, POOL_BUSY };

struct pool_row {
	/* the master's */
	_Atomic uint32_t state; /* enum place_state, of src/lib/pool */
	_Atomic int32_t pid;
	_Atomic uint32_t failures;
	_Atomic uint32_t leave; /* the worker takes no new request */
	_Atomic int64_t started;
	unsigned char padding[64 - 24];
	/* the worker's */
	_Atomic uint32_t owner; /* its participant; 0: it is dead, or has none yet */
	_Atomic uint32_t activity;
	_Atomic int64_t since;
	_Atomic uint64_t requests;
	_Atomic uint32_t reason; /* why it ends: 1 + enum reeve_pool_reason; 0: it did not say */
	_Atomic int32_t error;
	unsigned char worker_padding[64 - 32];
};

_Static_assert(sizeof(struct pool_header) == 64, "a cache line");
_Static_assert(sizeof(struct pool_row) == 128, "two cache lines, so that two writers do not meet");

struct pool_table {
	struct pool_header header;
	struct pool_row rows[];
};

static inline uint64_t pool_table_size(unsigned places)
{
	return sizeof(struct pool_table) + (uint64_t)places * sizeof(struct pool_row);
}

/* How many rows an object of that size has. */
static inline unsigned pool_table_places(uint64_t size)
{
	uint64_t rows = size < sizeof(struct pool_table)
				? 0
				: (size - sizeof(struct pool_table)) / sizeof(struct pool_row);

	return rows < POOL_TABLE_PLACES_MAX ? (unsigned)rows : POOL_TABLE_PLACES_MAX;
}


#endif
