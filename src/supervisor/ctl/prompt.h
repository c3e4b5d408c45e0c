/* A line from the user, outside of the line editor. */
#ifndef CTL_PROMPT_H
#define CTL_PROMPT_H

#include <stdbool.h>

#include "ctl/session.h"

/* Ask on standard output, read from standard input; without `echo` what is typed is not shown. NULL at the end of input.
 * To be given to prompt_forget(). */
char *prompt_read(struct session *session, const char *question, bool echo);

/* Overwrite and free; takes NULL. */
void prompt_forget(char *text);

/* Ask a question that is answered with y or n, if there is somebody to ask; else it is yes. */
bool prompt_confirm(struct session *session, const char *question);

#endif
