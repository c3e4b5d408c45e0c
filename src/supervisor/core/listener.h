/* What an event listener says, and what follows from it: supervisor's event listener protocol, version 3.0, as one
 * table and one scanner.
 *
 *	READY\n            give me an event
 *	RESULT 2\nOK       I have done with it
 *	RESULT 4\nFAIL     I have not: give it to somebody
 *
 * Pure: no I/O, no clock. A state is a plain struct and a step makes a new one of it, so that whoever keeps it in
 * shared memory can make the new one good by one store. */
#ifndef CORE_LISTENER_H
#define CORE_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Input that is not understood yet. A line that does not fit makes no sense. */
#define LISTENER_INPUT_SIZE 448

/* The numbers are supervisor's, but for the 0 of fresh memory. */
enum listener_state {
	LISTENER_NONE = 0,
	LISTENER_READY = 10,
	LISTENER_BUSY = 20,
	LISTENER_ACKNOWLEDGED = 30, /* has started, or has done with an event, and is not ready for another one yet */
	LISTENER_UNKNOWN = 40,	    /* has said what makes no sense: is not listened to until it is started again */
};

enum listener_event {
	LISTENER_STARTED,
	LISTENER_GIVEN,	     /* it gets an event */
	LISTENER_SAYS_READY,
	LISTENER_SAYS_OK,
	LISTENER_SAYS_FAIL,
	LISTENER_BAD_LINE,   /* in place of RESULT */
	LISTENER_BAD_RESULT, /* one that its handler could make nothing of */
	LISTENER_NOISE,	     /* anything else */
	LISTENER_ENDED,
	LISTENER_EVENTS,
};

/* What becomes of the event that it has. */
enum listener_fate { FATE_STAYS, FATE_DONE, FATE_REJECTED };

struct listener_step {
	enum listener_state to;
	enum listener_fate fate;
};

/* Returns false, and leaves *ret alone, where the event means nothing. */
bool listener_step(enum listener_state state, enum listener_event event, struct listener_step *ret);

/* "READY", "BUSY", "ACKNOWLEDGED", "UNKNOWN". */
const char *listener_state_name(enum listener_state state);

struct listener {
	uint32_t state;	    /* enum listener_state */
	uint32_t in_result; /* BUSY: the line has passed, and the result comes */
	uint64_t result_size, result_left;
	uint32_t differs; /* from "OK", what has come of the result */
	uint32_t size;	  /* of `input` */
	char input[LISTENER_INPUT_SIZE];
};

/* What was found at the beginning of the input. */
enum listener_token {
	TOKEN_NONE, /* nothing yet: more is needed */
	TOKEN_READY,
	TOKEN_RESULT_LINE, /* its result is to come */
	TOKEN_RESULT_PART, /* a piece of the result */
	TOKEN_RESULT,	   /* the last piece, which may be empty: listener_is_ok() says what it comes to */
	TOKEN_BAD_LINE,
	TOKEN_NOISE,
};

/* Take one token off the input: *next is *now without it, but in the same state. `ret_part`, `ret_size`: its bytes
 * in now->input; of a line without its newline. */
enum listener_token listener_scan(
	const struct listener *now, struct listener *next, const char **ret_part, size_t *ret_size);

/* After TOKEN_RESULT: was it "OK"? */
bool listener_is_ok(const struct listener *listener);

/* The number in the rest of a RESULT line, as Python's int() reads it. -EINVAL: it is none, or below 0. What is
 * larger than any result is UINT64_MAX. */
int listener_parse_size(const char *text, size_t size, uint64_t *ret);

/* Is this, found in memory that somebody else wrote, a state that can be? */
bool listener_is_sound(const struct listener *listener);

#endif
