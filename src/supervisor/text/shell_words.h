/* A command line split into words, as Python's shlex.split() does it (the POSIX rules for quotes
 * and backslashes; no variables, no globs, no comments). */
#ifndef TEXT_SHELL_WORDS_H
#define TEXT_SHELL_WORDS_H

#include <stddef.h>

/* Split `text`. On success `ret` is a NULL-terminated vector, to be released with one free(), and
 * `ret_count` its length (0: there was no word).
 *
 * -EINVAL with the reason in supervisord's words in `ret_why` (a constant): "No closing quotation",
 * "No escaped character". -ENOMEM. */
int shell_words_split(const char *text, char ***ret, size_t *ret_count, const char **ret_why);

#endif
