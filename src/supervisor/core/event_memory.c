#include "core/event_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int event_memory_new(struct event_memory **ret)
{
	void *memory = mmap(NULL, sizeof(struct event_memory), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	*ret = memory;
	return 0;
}

struct event_memory *event_memory_free(struct event_memory *memory)
{
	if (memory)
		munmap(memory, sizeof *memory);
	return NULL;
}

void event_memory_clear(struct event_memory *memory)
{
	uint64_t serial = atomic_load(&memory->serial);

	/* Its pages go back to the system, and are zeroes when they are next looked at. */
	if (madvise(memory, sizeof *memory, MADV_REMOVE) < 0)
		memset(memory, 0, sizeof *memory);
	atomic_store(&memory->serial, serial);
}

/* ---- blocks ---- */

static bool head_is_sound(const struct event_head *head, uint32_t number)
{
	uint32_t kind = atomic_load(&head->kind);

	return (kind == EVENT_QUEUED || kind == EVENT_PIECE) && head->blocks > 0 &&
	       head->blocks <= EVENT_BLOCKS - number && head->size <= (size_t)head->blocks * EVENT_BLOCK &&
	       head->type < EVENT_TYPE_COUNT;
}

static void mark(struct event_blocks *blocks, uint32_t from, uint32_t count, bool is_used)
{
	memset(blocks->used + from, is_used, count);
	if (!is_used && from < blocks->free_from)
		blocks->free_from = from;
}

/* Whatever is in this memory, a process that died wrote it. */
int event_blocks_init(struct event_blocks *blocks, struct event_memory *memory)
{
	uint32_t end = atomic_load(&memory->end);

	*blocks = (struct event_blocks){ .memory = memory, .used = calloc(1, EVENT_BLOCKS) };
	if (end > EVENT_BLOCKS)
		atomic_store(&memory->end, end = EVENT_BLOCKS);
	if (!blocks->used)
		return -ENOMEM;
	for (uint32_t number = 0; number < end;) {
		struct event_head *head = &memory->heads[number];

		if (atomic_load(&head->kind) == EVENT_FREE) {
			number++;
		} else if (head_is_sound(head, number)) {
			mark(blocks, number, head->blocks, true);
			number += head->blocks;
		} else {
			atomic_store(&head->kind, EVENT_FREE);
			number++;
		}
	}
	return 0;
}

void event_blocks_deinit(struct event_blocks *blocks)
{
	free(blocks->used);
	blocks->used = NULL;
}

/* The first so many free blocks in a row; -ENOSPC. */
static int64_t find_free(struct event_blocks *blocks, uint32_t count)
{
	uint32_t run = 0;

	while (blocks->free_from < EVENT_BLOCKS && blocks->used[blocks->free_from])
		blocks->free_from++;
	for (uint32_t number = blocks->free_from; number < EVENT_BLOCKS; number++) {
		run = blocks->used[number] ? 0 : run + 1;
		if (run == count)
			return (int64_t)number - count + 1;
	}
	return -ENOSPC;
}

int64_t event_blocks_put(
	struct event_blocks *blocks, const struct event_head *like, enum event_kind kind, const char *data, size_t size)
{
	struct event_head *head;
	uint32_t count;
	int64_t number;

	if (size > EVENT_SIZE_MAX)
		return -E2BIG;
	count = size > 0 ? (uint32_t)((size + EVENT_BLOCK - 1) / EVENT_BLOCK) : 1;
	number = find_free(blocks, count);
	if (number < 0)
		return number;
	head = &blocks->memory->heads[number];
	memcpy(blocks->memory->data[number], data, size);
	atomic_store(&head->owner, 0);
	head->pool = like->pool;
	head->about = like->about;
	head->type = like->type;
	head->state = like->state;
	head->serial = like->serial;
	head->pool_serial = like->pool_serial;
	head->source = like->source;
	head->blocks = count;
	head->size = (uint32_t)size;
	if ((uint32_t)number + count > atomic_load(&blocks->memory->end))
		atomic_store(&blocks->memory->end, (uint32_t)number + count);
	atomic_store_explicit(&head->kind, kind, memory_order_release);
	mark(blocks, (uint32_t)number, count, true);
	return number;
}

void event_blocks_drop(struct event_blocks *blocks, uint32_t number)
{
	struct event_head *head = &blocks->memory->heads[number];
	uint32_t end = atomic_load(&blocks->memory->end);

	atomic_store(&head->kind, EVENT_FREE);
	mark(blocks, number, head->blocks, false);
	while (end > 0 && !blocks->used[end - 1])
		end--;
	atomic_store(&blocks->memory->end, end);
}

int64_t event_blocks_next(const struct event_blocks *blocks, int64_t number)
{
	for (number++; number < atomic_load(&blocks->memory->end); number++)
		if (atomic_load(&blocks->memory->heads[number].kind) != EVENT_FREE)
			return number;
	return -ENOENT;
}

/* ---- listeners ---- */

const struct listener *listener_now(const struct listener_memory *memory)
{
	return &memory->copies[atomic_load(&memory->current) % 2];
}

struct listener *listener_next(struct listener_memory *memory)
{
	return &memory->copies[(atomic_load(&memory->current) + 1) % 2];
}

void listener_turn(struct listener_memory *memory)
{
	atomic_store_explicit(
		&memory->current, (atomic_load(&memory->current) + 1) % 2, memory_order_release);
}
