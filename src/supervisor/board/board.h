/* The board: shared memory that says how everything is, one row of fixed size a process.
 *
 * Only the core writes. Anyone who holds the descriptor may read, without asking and without waking anyone;
 * a row is read whole or not at all (a sequence lock a row). It is the core's own memory too: what a core
 * that was killed left here, its successor goes on from.
 *
 * A writer can be killed between two stores. So a reader never waits for one: a row whose sequence stays odd
 * is told as -EAGAIN. And the one word that must not be lost, the pid of a program that is just being
 * started, is written by the kernel itself, before the program runs its first instruction (`newborn`).
 *
 * Rows are handed out from 0 and keep their number while the process is configured. */
#ifndef SUPERVISOR_BOARD_BOARD_H
#define SUPERVISOR_BOARD_BOARD_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "reeve/base.h"
#include "reeve/map.h"
#include "board/states.h"
#include "config/config.h"

/* The layout's version; it changes with any change of the structs below. */
#define BOARD_VERSION 3
#define BOARD_MAGIC "reeve board"

/* The most processes that one supervisor has. The memory is reserved for all, and used for those there are. */
#define BOARD_ROWS_MAX CONFIG_PROCESSES_MAX

/* Longer names and texts are refused (names) or cut (texts), their NUL included. */
#define BOARD_NAME_SIZE (CONFIG_NAME_MAX + 1)
#define BOARD_TEXT_SIZE 224
#define BOARD_SUFFIX_SIZE 12

/* The record of one process: all that the API tells of it, and all that the core must remember. Wall-clock
 * times are seconds since the Epoch (0: never), others points on CLOCK_MONOTONIC. */
struct board_record {
	char group[BOARD_NAME_SIZE];
	char name[BOARD_NAME_SIZE];
	char error[BOARD_TEXT_SIZE]; /* why the last start failed, or "" */

	int32_t state;	     /* enum process_state */
	int32_t pid;	     /* 0: none */
	int32_t status;	     /* the last one's, as of wait(2) */
	uint32_t has_status; /* one has ended, and not into BACKOFF */
	uint32_t wanted;     /* 1: start it again when it ends as its configuration says; 0: stopped on purpose */
	uint32_t failures;   /* starts that failed in a row */
	uint32_t killing;    /* SIGKILL was sent */
	uint32_t reading;    /* of the configuration: which one it lives by */
	uint32_t leaving;    /* its group was removed, and its rows are on their way out */
	uint32_t unused;
	uint64_t starts;     /* since this supervisor began */
	uint64_t ended;	     /* `starts` as it was when the last process ended */
	uint64_t exit_number; /* of the last exit that was entered here */

	int64_t started_wall; /* when it was last started */
	int64_t stopped_wall; /* when it last ended */
	int64_t changed_wall; /* when `state` last changed */
	reeve_nsec started;
	reeve_nsec due; /* when the state's time is over: startsecs, backoff, stopwaitsecs; 0: no such time */

	char stdout_suffix[BOARD_SUFFIX_SIZE]; /* of the AUTO log file's name, or "" */
	char stderr_suffix[BOARD_SUFFIX_SIZE];
};

struct board_row {
	_Atomic uint32_t sequence; /* odd: being written */
	_Atomic uint32_t used;
	_Atomic int32_t newborn; /* written by the kernel at clone(2); 0 once it is in the record */
	uint32_t unused;
	struct board_record record;
};

struct board_header {
	char magic[16];
	uint32_t version;
	uint32_t row_size;
	uint32_t rows_max;
	_Atomic uint32_t rows; /* none is used from here on */
	_Atomic int32_t mood;  /* enum mood */
	_Atomic int32_t keeper_pid, core_pid, scribe_pid, gateway_pid;
	_Atomic uint32_t core_starts, scribe_starts, gateway_starts;
	_Atomic uint32_t populated;      /* the first reading's groups have their rows */
	_Atomic uint32_t latest_reading; /* of the configuration: which one groups are added from */
	_Atomic uint32_t tables; /* how often rows were added or removed: what was known of them is old */
	_Atomic int64_t started_wall;
	char identifier[BOARD_NAME_SIZE];
};

struct board {
	struct reeve_map *map;
	struct board_header *header;
	struct board_row *rows;
	uint32_t free_from; /* no row before it is free: the writer's own note */
};

/* Make an empty one: a sealed memfd that nobody can shrink, and that only we and who is forked from us can
 * write. Free with board_close(). */
int board_create(const char *identifier, struct board *ret);

void board_set_identifier(struct board *board, const char *identifier);

/* Look at somebody's board, read-only. `fd` is borrowed. -EPROTO: this is no board of our version. */
int board_open(int fd, struct board *ret);

void board_close(struct board *board);

/* Begin anew with no rows (a reload). */
void board_clear(struct board *board);

/* ---- the core's side ---- */

/* Take a row for a process that lives by this reading. Returns its number, -ENOSPC, or -ENAMETOOLONG. */
int board_add(struct board *board, const char *group, const char *name, uint32_t reading);

void board_remove(struct board *board, uint32_t row);

/* The record, to be changed between board_begin() and board_end(); read freely by the core itself. */
struct board_record *board_begin(struct board *board, uint32_t row);
void board_end(struct board *board, uint32_t row);
const struct board_record *board_peek(const struct board *board, uint32_t row);

/* The word for the kernel to write the pid of the row's next child into. */
pid_t *board_newborn(struct board *board, uint32_t row);

/* Make rows whole that a killed core left half-written. Called by a new core before anything else. */
void board_repair(struct board *board);

/* ---- anyone's side ---- */

/* Copy one row. -ENOENT: not in use; -EAGAIN: it is being written, or was when its writer was killed. */
int board_read(const struct board *board, uint32_t row, struct board_record *ret);

#endif
