/* The worker's side: everything it says of itself is in one cache line. */
#include "reeve/heartbeat.h"

#include <errno.h>
#include <string.h>

#include "lib/arena/arena.h"

/* Threads may lose each other's beats, but never all of them: the observer looks for a change. */
static void beat(struct heartbeat_line *line)
{
	uint64_t beats = atomic_load_explicit(&line->beats, memory_order_relaxed);

	atomic_store_explicit(&line->beats, beats + 1, memory_order_relaxed);
}

void reeve_heartbeat_beat(struct reeve_arena *arena)
{
	beat(atomic_load_explicit(&arena->pulse, memory_order_relaxed));
}

int reeve_heartbeat_say(
	struct reeve_arena *arena, enum reeve_heartbeat_state state, const char *text)
{
	struct heartbeat_line *line;
	char padded[sizeof line->text] = "";
	int r;

	if (!arena)
		return -EFAULT;
	if ((unsigned)state > REEVE_HEARTBEAT_STOPPING)
		return -EINVAL;
	r = arena_self(arena);
	if (r < 0)
		return r;
	if (text)
		memcpy(padded, text, strnlen(text, REEVE_HEARTBEAT_TEXT_MAX));
	pthread_mutex_lock(&arena->mutex);
	line = atomic_load(&arena->pulse);
	memcpy(line->text, padded, sizeof padded);
	atomic_store(&line->state, state);
	beat(line);
	pthread_mutex_unlock(&arena->mutex);
	return 0;
}
