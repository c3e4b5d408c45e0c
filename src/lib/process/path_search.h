/* The walk through a PATH variable. Async-signal-safe: it runs between fork and exec too. */
#ifndef LIB_PROCESS_PATH_SEARCH_H
#define LIB_PROCESS_PATH_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

#define PATH_SEARCH_DEFAULT "/bin:/usr/bin"

/* Whether exec looks a name up at all: not where it has a slash, nor an empty one. */
bool path_search_applies(const char *name);

/* The value of PATH in `environment`, or the default. */
const char *path_search_variable(const char *const *environment);

/* Write the next directory of `*path` and `/name` into buffer, and move `*path` on; an empty
 * directory is the current one. What does not fit is passed over. False at the end. Start with the
 * whole variable; NULL is the end. */
bool path_search_next(const char **path, const char *name, char *buffer, size_t size);

/* Whether exec's error says "not here, look on": the next directory may have it. */
bool path_search_goes_on(int error);

#endif
