/* What a line that is being typed may go on with. */
#ifndef CTL_COMPLETE_H
#define CTL_COMPLETE_H

#include "ctl/command.h"

/* The words that the last, unfinished word of `line` may become, each once, in order. `ret` is to be released with words_deinit(); an
 * error, also of the server, is no words. */
void complete_line(struct session *session, const char *line, struct words *ret);

/* How many bytes the last word of `line` has. */
size_t complete_word_length(const char *line);

/* How many bytes all of the words begin with. */
size_t complete_common(const struct words *words);

#endif
