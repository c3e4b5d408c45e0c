#include "board/feed.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

/* Items begin at multiples of their head's size, so that a head is never cut in two. */
#define ALIGNMENT sizeof(struct feed_item)

struct feed {
	_Atomic uint64_t end;
	_Atomic uint64_t begin;
	_Atomic uint32_t writer_waits;
	char data[FEED_SIZE] __attribute__((aligned(4096)));
};

int feed_new(struct feed **ret)
{
	void *memory = mmap(NULL, sizeof(struct feed), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	*ret = memory;
	return 0;
}

struct feed *feed_free(struct feed *feed)
{
	if (feed)
		munmap(feed, sizeof *feed);
	return NULL;
}

void feed_clear(struct feed *feed)
{
	atomic_store(&feed->begin, atomic_load(&feed->end));
	atomic_store(&feed->writer_waits, 0);
}

uint64_t feed_end(const struct feed *feed)
{
	return atomic_load(&feed->end);
}

uint64_t feed_begin(const struct feed *feed)
{
	return atomic_load(&feed->begin);
}

static size_t round_up(size_t size)
{
	return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

size_t feed_cost(size_t size, size_t items)
{
	return size + items * 2 * ALIGNMENT;
}

static size_t room(const struct feed *feed)
{
	return FEED_SIZE - (size_t)(atomic_load(&feed->end) - atomic_load(&feed->begin));
}

bool feed_has_room(struct feed *feed, size_t cost)
{
	if (room(feed) >= cost)
		return true;
	atomic_store(&feed->writer_waits, 1);
	if (room(feed) < cost) /* the reader sees the flag, or was faster and we see that */
		return false;
	atomic_store(&feed->writer_waits, 0);
	return true;
}

static void copy_in(struct feed *feed, uint64_t position, const void *data, size_t size)
{
	size_t at = (size_t)(position % FEED_SIZE), first = FEED_SIZE - at < size ? FEED_SIZE - at : size;

	memcpy(feed->data + at, data, first);
	memcpy(feed->data, (const char *)data + first, size - first);
}

static void copy_out(const struct feed *feed, uint64_t position, char *data, size_t size)
{
	size_t at = (size_t)(position % FEED_SIZE), first = FEED_SIZE - at < size ? FEED_SIZE - at : size;

	memcpy(data, feed->data + at, first);
	memcpy(data + first, feed->data, size - first);
}

uint64_t feed_put(struct feed *feed, uint64_t position, enum feed_kind kind, uint32_t stream, const char *data,
	size_t size)
{
	struct feed_item item = { .kind = kind, .stream = stream, .size = (uint32_t)size };

	copy_in(feed, position, &item, sizeof item);
	if (size > 0)
		copy_in(feed, position + sizeof item, data, size);
	return position + sizeof item + round_up(size);
}

bool feed_commit(struct feed *feed, uint64_t end)
{
	uint64_t before = atomic_load(&feed->end);

	atomic_store(&feed->end, end);
	return end != before && atomic_load(&feed->begin) >= before;
}

/* Whatever is in this memory, another process wrote it. */
bool feed_get(const struct feed *feed, uint64_t *position, struct feed_item *ret, char *data)
{
	uint64_t end = atomic_load(&feed->end), left = end - *position;

	if (left == 0)
		return false;
	if (left > FEED_SIZE || left < sizeof *ret || *position % ALIGNMENT != 0)
		goto senseless;
	copy_out(feed, *position, (char *)ret, sizeof *ret);
	if (ret->kind == 0 || ret->kind >= FEED_KINDS || ret->size > FEED_ITEM_MAX ||
		sizeof *ret + round_up(ret->size) > left)
		goto senseless;
	copy_out(feed, *position + sizeof *ret, data, ret->size);
	*position += sizeof *ret + round_up(ret->size);
	return true;
senseless:
	*position = end;
	return false;
}

bool feed_taken(struct feed *feed, uint64_t position)
{
	atomic_store(&feed->begin, position);
	return atomic_exchange(&feed->writer_waits, 0) != 0;
}
