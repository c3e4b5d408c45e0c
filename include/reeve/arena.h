/* reeve/arena.h - the shared memory that queues, locks and heartbeats live in.
 *
 *	struct reeve_arena *arena;
 *	struct reeve_arena_spec spec = { .label = "jobs", .size = 1 << 20, .participants = 16 };
 *
 *	reeve_arena_new(&spec, &arena);
 *	reeve_arena_block_new(arena, "table", sizeof *table, REEVE_SEC, (void **)&table);
 *	... fork, or pass reeve_arena_fd() to a stranger, who calls reeve_arena_open() ...
 *	arena = reeve_arena_free(arena);
 *
 * An arena is a memfd(2) that is sealed: nobody can shrink it under those who have it mapped, and
 * what is given out of it has memory behind it, so that neither raises SIGBUS. It holds a table
 * of participants and named objects.
 *
 * Participants: a process that uses objects of an arena has a place in the table, so that what it
 * holds can be told from what others hold, and given back when it dies. A process takes a place
 * with reeve_arena_attach(), or unasked when it first needs one. A place is not inherited by
 * fork(2): a child has the arena and its objects, but takes a place of its own. exec(2) ends it.
 *
 * Who is dead: a process holds its place by a lock of the kernel (F_OFD_SETLK, fcntl(2)) on a
 * description of the memfd that is its own. The kernel lets go of it when the process dies,
 * however it dies, before its parent can learn of it. So death is certain, a pid that was given
 * out again deceives nobody, and no process need be able to see another's pid. A process made by
 * a bare clone(2), which libc does not know of, keeps its parent's place taken as long as it
 * neither executes something nor ends. What a process held is given back (the place is swept) by
 * whoever next looks: reeve_arena_recover(), an attaching process that finds the table full, one
 * that waits for an object. A sweeper can be killed at any instruction, too: the next one does
 * the rest.
 *
 * What is read from shared memory is checked first: an arena in which somebody scribbled makes
 * calls fail with -EUCLEAN, but never read or write outside of it.
 *
 * Errors that any function may return beside those named with it: -EFAULT (an argument is NULL
 * that must not be), -EUCLEAN (the arena's contents make no sense), -EMFILE, -ENFILE, -ENOMEM,
 * -ENOENT (/proc is not mounted) the first time that a forked child uses it. Functions that take
 * a `timeout` return -EINVAL for negatives other than REEVE_FOREVER, -ETIMEDOUT, and -EINTR
 * (reeve/signal.h).
 *
 * Functions of one arena may be called by several threads at once, but for reeve_arena_free(). */
#ifndef REEVE_ARENA_H
#define REEVE_ARENA_H

#include "reeve/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_arena;

#define REEVE_ARENA_SIZE_MAX ((uint64_t)1 << 40)
#define REEVE_ARENA_PARTICIPANTS_MAX 4096u
#define REEVE_ARENA_OBJECTS_MAX 4096u
#define REEVE_ARENA_OBJECTS_DEFAULT 64u
#define REEVE_ARENA_NAME_MAX 31u /* bytes of a label, a participant's or an object's name */

/* Making, sharing, ending. */

struct reeve_arena_spec {
	const char *label;     /* for people: /proc/PID/maps shows it; NULL: "reeve-arena" */
	size_t size;           /* bytes for objects; each takes a multiple of 64 */
	unsigned participants; /* how many processes at once: 1 to REEVE_ARENA_PARTICIPANTS_MAX */
	unsigned objects;      /* how many at most; 0: REEVE_ARENA_OBJECTS_DEFAULT */
};

/* A new arena. The caller has no place in it yet. Memory is taken for its tables, and for objects
 * when they are made.
 *
 *   spec   borrowed
 *   ret    to be released with reeve_arena_free()
 *
 * Returns 0; -EINVAL (size or participants is 0), -EOVERFLOW (size, participants or objects is
 * over its limit), -ENAMETOOLONG (the label); -ENOSPC. See memfd_create(2). */
REEVE_API int reeve_arena_new(const struct reeve_arena_spec *spec, struct reeve_arena **ret);

/* The arena behind a descriptor that another process passed on. It need not be trusted. `fd` is
 * borrowed.
 *
 * Returns 0; -EBADF; -EMEDIUMTYPE (not an arena), -EPERM (an arena that is not sealed, so that it
 * might be truncated), -EPROTONOSUPPORT (an arena of another layout version), -ENOEXEC (made
 * by a program for another processor, word size or libc), -EUCLEAN (an arena whose own sizes do not
 * fit), -EACCES (not open for writing). */
REEVE_API int reeve_arena_open(int fd, struct reeve_arena **ret);

/* Give up the caller's place and unmap. Objects and other processes are not touched. Returns NULL;
 * NULL is fine. */
REEVE_API struct reeve_arena *reeve_arena_free(struct reeve_arena *arena);

/* The descriptor to pass on (reeve/channel.h), borrowed; -EFAULT for NULL. */
REEVE_API int reeve_arena_fd(const struct reeve_arena *arena);

/* Names: an arena that strangers can ask for. A name is 1 to REEVE_ARENA_NAME_MAX bytes without a
 * slash, and does not begin with a dot. It belongs to the effective user: other users have names
 * of their own.
 *
 * A name lives as long as a process lives that published it or connected to it, or that was
 * forked from one of those, and has not freed the arena. Then it is gone, and may be given to
 * another arena; there is nothing that could be left behind. Who got the arena as a descriptor
 * does not keep the name.
 *
 * A name is a file in /dev/shm/reeve-UID, kept by a lock of the kernel; what it leads to is
 * opened through /proc/PID/fd of a living holder. So /proc has to show the holder: one that is not
 * dumpable (PR_SET_DUMPABLE, prctl(2): it said so, or it has changed its user and executed nothing
 * since), has capabilities that the caller does not have, or is in another pid namespace, cannot be
 * reached.
 *
 * Errors of all of them: -EINVAL, -ENAMETOOLONG (the name); -EPERM (the directory is not the
 * user's alone), -ENOENT (there is no /dev/shm or /proc), -ETIMEDOUT (another process is at work
 * on a name, and stopped), -EINTR. */

/* Give an arena a name. Returns 0; -EEXIST (the name lives), -EALREADY (this handle has one). */
REEVE_API int reeve_arena_publish(struct reeve_arena *arena, const char *name, reeve_nsec timeout);

/* The arena of that name; where there is none, a new one, as `spec` (borrowed) describes, unless
 * it is NULL. Of those who ask at the same time, one makes it, and all get the same. What lives
 * is not held against `spec`.
 *
 * Returns 0 (it was there), 1 (the caller made it); -ENOENT (it was not there, and `spec` is
 * NULL), -EACCES (it is there, but no holder can be reached: see above), -EUCLEAN (its file makes
 * no sense); or as reeve_arena_new() and reeve_arena_open(). */
REEVE_API int reeve_arena_connect(const char *name, const struct reeve_arena_spec *spec,
	reeve_nsec timeout, struct reeve_arena **ret);

/* Take a name away, whoever holds it. The arena stays with those who have it. Returns 0;
 * -ENOENT. */
REEVE_API int reeve_arena_unpublish(const char *name, reeve_nsec timeout);

/* Remove the files that dead processes left, which making a new name does, too. Returns how
 * many. */
REEVE_API int reeve_arena_names_clean(reeve_nsec timeout);

/* Participants. Each has a number from 1 to reeve_arena_participants(), that nobody else is given
 * before all that its last owner held is recovered. */

enum reeve_arena_state {
	REEVE_ARENA_FREE,  /* nobody's place */
	REEVE_ARENA_ALIVE, /* a process that lives, stopped or not */
	REEVE_ARENA_DEAD,  /* one that died, and was not recovered yet, or not to the end */
	REEVE_ARENA_SWEPT  /* one that died, and is being recovered */
};

struct reeve_arena_participant {
	unsigned number;
	enum reeve_arena_state state;
	unsigned sweeper; /* SWEPT, DEAD: who last began to recover it, if it was a participant */
	uint32_t epoch;   /* how often the place was taken */
	pid_t pid;        /* as it saw itself: another pid namespace has another number */
	pid_t tid;        /* its thread that attached */
	uint64_t start_time; /* as in /proc/PID/stat, in clock ticks; 0: not known */
	char name[REEVE_ARENA_NAME_MAX + 1];
};

/* Take a place.
 *
 *   name   for people; NULL: the program's
 *
 * Returns its number; -EISCONN (the process has one), -EUSERS (all are taken by living processes;
 * one that another is just recovering is waited for, but no longer than a second), -ENAMETOOLONG. */
REEVE_API int reeve_arena_attach(struct reeve_arena *arena, const char *name);

/* Give back the place, and all that this process holds in the arena, as if it had died. Returns
 * 0; -ENOTCONN. */
REEVE_API int reeve_arena_detach(struct reeve_arena *arena, reeve_nsec timeout);

/* The caller's number. It attaches if need be: returns as reeve_arena_attach(). */
REEVE_API int reeve_arena_self(struct reeve_arena *arena);

/* How many places there are; 0 for NULL. */
REEVE_API unsigned reeve_arena_participants(const struct reeve_arena *arena);

/* Who has place `number`. Returns 0; -ERANGE. */
REEVE_API int reeve_arena_participant(
	struct reeve_arena *arena, unsigned number, struct reeve_arena_participant *ret);

/* Give back all that dead participants held, and their places. Anybody may, at any time, as often
 * as he likes, without a place of his own.
 *
 * Returns how many it recovered (not those that another process is at already);
 * -EPROTONOSUPPORT if there are objects of a kind that this version of the library does not know:
 * what else there was is recovered. */
REEVE_API int reeve_arena_recover(struct reeve_arena *arena, reeve_nsec timeout);

/* Whether reeve/process.h recovers the arena whenever it is about to reap a child: who learns of a
 * child's end from the library then finds what it held given back already. Off at first, and off
 * again when the arena is freed. Returns 0; -ENOSPC (too many hooks). */
REEVE_API int reeve_arena_recover_before_reap(struct reeve_arena *arena, bool on);

/* Blocks: named pieces of memory for the program's own use, aligned to 64 bytes. They stay until
 * they are removed or the last process lets the arena go. What is in them is the program's own to
 * protect and to repair. `name`: 1 to REEVE_ARENA_NAME_MAX bytes; else -EINVAL, -ENAMETOOLONG. */

/* Make one, filled with zeroes; killed in the middle, there is none. Returns 0; -EINVAL (size 0),
 * -EEXIST, -ENOSPC (no room left), -EDQUOT (as many objects as there can be). */
REEVE_API int reeve_arena_block_new(
	struct reeve_arena *arena, const char *name, size_t size, reeve_nsec timeout, void **ret);

/* Find one. `ret_size` may be NULL. Returns 0; -ENOENT; -EPROTOTYPE (an object of another kind). */
REEVE_API int reeve_arena_block_open(
	struct reeve_arena *arena, const char *name, void **ret, size_t *ret_size);

/* Remove one that nobody uses any more. Returns 0; -ENOENT; -EPROTOTYPE. */
REEVE_API int reeve_arena_block_remove(
	struct reeve_arena *arena, const char *name, reeve_nsec timeout);

#ifdef __cplusplus
}
#endif

#endif
