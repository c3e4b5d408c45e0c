/* An arena that a stranger passed on, of any bytes: opening and using it ends in answers, never
 * in an access outside of it.
 *
 * The first byte says whether the rest is the whole arena, or is laid over a good one from the
 * place on that the second and third say: most of what is the whole is refused at its first
 * eight bytes. */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "lib/arena/arena.h"
#include "reeve/heartbeat.h"

#define WHOLE_MAX 65536

static int fill(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || pwrite(fd, data, size, 0) != (ssize_t)size ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		abort();
	return fd;
}

/* A small arena in which something is, laid over with the input. */
static int lay_over(const uint8_t *data, size_t size)
{
	struct reeve_arena_spec spec = { .size = 512, .participants = 2, .objects = 3 };
	static unsigned char bytes[4096];
	struct reeve_arena *arena;
	size_t at = (size_t)(data[1] | data[2] << 8);
	void *block;
	int fd;

	if (reeve_arena_new(&spec, &arena) < 0 ||
		reeve_arena_block_new(arena, "one", 100, 0, &block) < 0 ||
		arena->size > sizeof bytes)
		abort();
	atomic_store(&arena_slot(arena, 1)->word, slot_word(SLOT_TAKEN, 0, 1));
	memcpy(bytes, arena->base, arena->size);
	at %= arena->size;
	for (size_t i = 3; i < size && at < arena->size; i++)
		bytes[at++] = data[i];
	fd = fill(bytes, (size_t)arena->size);
	reeve_arena_free(arena);
	return fd;
}

/* What is handed out lies in the arena, and can be written. */
static void touch(const struct reeve_arena *arena, void *block, size_t size)
{
	unsigned char *at = block;

	if (at < arena->base || size > arena->size ||
		(uint64_t)(at - arena->base) > arena->size - size)
		abort();
	memset(at, 1, size);
}

static void use(struct reeve_arena *arena)
{
	struct reeve_heartbeat_watch *watch;
	struct reeve_heartbeat_report report;
	size_t size;
	void *block;

	if (reeve_heartbeat_watch_new(arena, REEVE_SEC, &watch) < 0)
		abort();
	for (unsigned number = 0; number <= reeve_arena_participants(arena); number++)
		(void)reeve_heartbeat_check(watch, number, &report);
	(void)reeve_arena_attach(arena, NULL);
	if (reeve_arena_block_open(arena, "one", &block, &size) == 0)
		touch(arena, block, size);
	if (reeve_arena_block_new(arena, "two", 100, 0, &block) == 0)
		touch(arena, block, 128);
	(void)reeve_arena_recover(arena, 0);
	(void)reeve_heartbeat_say(arena, REEVE_HEARTBEAT_BUSY, "fuzz");
	(void)reeve_arena_block_remove(arena, "one", 0);
	(void)reeve_arena_detach(arena, 0);
	reeve_heartbeat_watch_free(watch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reeve_arena *arena = NULL;
	int fd;

	if (size < 3 || size > WHOLE_MAX)
		return 0;
	fd = data[0] & 1 ? fill(data + 1, size - 1) : lay_over(data, size);
	if (reeve_arena_open(fd, &arena) == 0) {
		use(arena);
		reeve_arena_free(arena);
	}
	close(fd);
	return 0;
}
