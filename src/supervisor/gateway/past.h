/* What became of the processes since this gateway began: the states that each was in, for the last hour, and what happened,
 * the newest of it. Bounded: of each process the newest PAST_STATES_MAX, of all the newest PAST_EVENTS_MAX.
 *
 * It is made of looks at the board, so what began and ended between two looks is missed; that a process ended and was
 * started again meanwhile is not, for the board counts starts. */
#ifndef GATEWAY_PAST_H
#define GATEWAY_PAST_H

#include <jansson.h>
#include <stdint.h>

#include "board/board.h"

#define PAST_STATES_MAX 128
#define PAST_SECONDS 3600
#define PAST_EVENTS_MAX 300

struct past;

/* NULL: out of memory. `now`: seconds since the Epoch; nothing is known of what was before. */
struct past *past_new(int64_t now);
struct past *past_free(struct past *past);

enum past_change {
	PAST_SAME,    /* as at the last look */
	PAST_DETAIL,  /* something, but no state */
	PAST_STATE,   /* one event, or two */
	PAST_ANOTHER, /* the row has become another process's */
};

/* A look at a row: what is new? A failure to remember is not told: it is as if nobody had looked. */
enum past_change past_look(struct past *past, uint32_t row, const struct board_record *record);

/* The row is not in use any more. True: it was. */
bool past_gone(struct past *past, uint32_t row);

/* Something that the supervisor itself did: "RUNNING" to "SHUTDOWN". */
void past_mood(struct past *past, int from, int to, int64_t now);

/* The newest event's number; 0: there is none yet. */
uint64_t past_newest(const struct past *past);

/* An event of the newest PAST_EVENTS_MAX: {number, when, id, from, to, pid, text}; "id" is null for the supervisor's own. NULL:
 * no memory. */
json_t *past_event_json(const struct past *past, uint64_t number);

/* All that are remembered, oldest first. */
json_t *past_events_json(const struct past *past);

/* {"since": ..., "processes": {ID: [[when, "STATE"], ...]}}: oldest first, a state that began before the last hour too if it
 * reaches into it. */
json_t *past_json(const struct past *past, int64_t now);

#endif
