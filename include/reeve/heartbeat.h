/* reeve/heartbeat.h - a worker's pulse, and who watches it.
 *
 *	worker:                                 observer:
 *	for (;;) {                              reeve_heartbeat_watch_new(arena, 2 * REEVE_SEC, &watch);
 *		reeve_heartbeat_beat(arena);    ... every half a second, for each participant:
 *		work();                         reeve_heartbeat_check(watch, number, &report);
 *	}                                       if (report.verdict == REEVE_HEARTBEAT_HUNG) ...
 *
 * Each participant of an arena (reeve/arena.h) has one cache line to beat in, and a beat is a
 * store to it: no clock is read, no system call made. The observer keeps the clock, and before
 * it calls a silent worker hung it looks for what else silence may mean. */
#ifndef REEVE_HEARTBEAT_H
#define REEVE_HEARTBEAT_H

#include "reeve/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_arena;
struct reeve_heartbeat_watch;

#define REEVE_HEARTBEAT_TEXT_MAX 43u /* bytes that a worker says of itself */

/* What a worker says of itself. */
enum reeve_heartbeat_state {
	REEVE_HEARTBEAT_STARTING,
	REEVE_HEARTBEAT_READY,
	REEVE_HEARTBEAT_BUSY,
	REEVE_HEARTBEAT_STOPPING
};

/* Beat. A process without a place in the arena beats for nobody: attach first, in a forked child
 * too. Async-signal-safe; any number of threads may. */
REEVE_API void reeve_heartbeat_beat(struct reeve_arena *arena);

/* Say what the worker is at; it is a beat as well, and attaches if need be.
 *
 *   text   up to REEVE_HEARTBEAT_TEXT_MAX bytes, longer ones are cut; NULL: none
 *
 * Returns 0; -EFAULT, -EINVAL (no such state), or as reeve_arena_attach(). */
REEVE_API int reeve_heartbeat_say(
	struct reeve_arena *arena, enum reeve_heartbeat_state state, const char *text);

/* What an observer makes of a participant. */
enum reeve_heartbeat_verdict {
	REEVE_HEARTBEAT_ABSENT,  /* nobody has that place */
	REEVE_HEARTBEAT_BEATING, /* it has beaten within the limit */
	REEVE_HEARTBEAT_STARVED, /* silent, but the machine has not let it run for that long */
	REEVE_HEARTBEAT_STOPPED, /* silent, because a signal or a debugger stopped it */
	REEVE_HEARTBEAT_HUNG,    /* silent, though it had the time */
	REEVE_HEARTBEAT_DEAD     /* it has ended */
};

struct reeve_heartbeat_report {
	enum reeve_heartbeat_verdict verdict;
	pid_t pid;
	uint64_t beats;      /* so far */
	reeve_nsec silence;  /* since the last beat that the observer noticed */
	reeve_nsec deprived; /* of that: stopped, waiting for a processor, or unobserved */
	char scheduler; /* its state in /proc/PID/stat ('R', 'S', 'D', 'T' ...), 0: not looked at */
	enum reeve_heartbeat_state state;
	char text[REEVE_HEARTBEAT_TEXT_MAX + 1]; /* mixed, if it is being changed */
};

/* An observer, that need not be a participant, with a memory of what it saw.
 *
 *   arena   must be there as long as the observer
 *   limit   the longest silence that is no cause for concern; > 0, else -EINVAL
 *   ret     to be released with reeve_heartbeat_watch_free()
 *
 * Returns 0; -EFAULT, -EINVAL, -ENOMEM. */
REEVE_API int reeve_heartbeat_watch_new(
	struct reeve_arena *arena, reeve_nsec limit, struct reeve_heartbeat_watch **ret);

/* Returns NULL; NULL is fine. */
REEVE_API struct reeve_heartbeat_watch *reeve_heartbeat_watch_free(
	struct reeve_heartbeat_watch *watch);

/* Look at a participant, and compare with what was seen before. To be called three times or more
 * within the limit: of the time between two looks no more than half the limit counts as silence,
 * so that a machine or an observer that stood still accuses nobody. Silence begins with the
 * first look at a participant.
 *
 * While it was stopped or waited for a processor no time counts. That is told by the thread that
 * attached, in /proc, which takes about ten microseconds a look; where /proc does not show it
 * (another pid namespace), all silence counts. Returns 0; -EFAULT, -ERANGE, or as
 * reeve_arena_participant(). One watch from one thread at a time. */
REEVE_API int reeve_heartbeat_check(struct reeve_heartbeat_watch *watch, unsigned participant,
	struct reeve_heartbeat_report *ret);

/* "beating", "hung"...; never NULL. Async-signal-safe. */
REEVE_API const char *reeve_heartbeat_verdict_name(enum reeve_heartbeat_verdict verdict);

#ifdef __cplusplus
}
#endif

#endif
