#include "lib/pool/table.h"

static void disown(_Atomic uint32_t *owner, uint32_t participant)
{
	atomic_compare_exchange_strong(owner, &participant, 0);
}

static int recover(struct reeve_arena *arena, void *object, uint64_t size, unsigned participant)
{
	struct pool_table *table = object;

	disown(&table->header.owner, participant);
	for (unsigned i = 0; i < pool_table_places(size); i++)
		disown(&table->rows[i].owner, participant);
	return 0;
}

const struct arena_type pool_table_type = { .number = ARENA_TYPE_POOL, .recover = recover };
