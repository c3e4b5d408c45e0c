/* What a command tells: lines for people, in supervisorctl's form; or with `--json` one document, which is
 * printed when the command is done.
 *
 *	{"command": "start", "results": [{"group": "web", "name": "web", "ok": true, "text": "started", ...}], "errors": [], "exit_status": 0} */
#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H

#include "ctl/session.h"
#include "ctl/words.h"

enum colour { COLOUR_NONE, COLOUR_GOOD, COLOUR_BAD, COLOUR_BUSY, COLOUR_FAINT };

/* What switches a colour on, and off again (COLOUR_NONE); "" where there are to be none. */
const char *colour(const struct session *session, enum colour colour);

/* The colour that a state is shown in. */
enum colour state_colour(int64_t state);

/* A line. Nothing with --json: what it says is told there by tell(). */
__attribute__((format(printf, 2, 3))) void say(struct session *session, const char *format, ...);

/* A line that says what is wrong: in the document an element of "errors". */
__attribute__((format(printf, 2, 3))) void complain(
	struct session *session, const char *format, ...);

/* How it went with a process or a group: "NAME: WORDS", or "NAME: ERROR (WORDS)"; in the document an element of "results". */
void report_done(struct session *session, struct namespec name, const char *words);
void report_error(struct session *session, struct namespec name, int fault, const char *words);

/* With --json a member of the document. */
void tell_take(struct session *session, const char *key, json_t *value);

/* "x" for process x of group x, "g" for all of a group, else "g:x". */
void add_name(struct buffer *buffer, struct namespec name);

/* The document of one command. */
void document_begin(struct session *session, struct span command);
void document_end(struct session *session);

#endif
