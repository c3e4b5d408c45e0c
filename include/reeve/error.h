/* reeve/error.h - names and descriptions of the negative errnos that the library returns.
 *
 * Nothing here allocates, locks or looks at the locale: every function may be called from any thread and,
 * reeve_error_format() too, from a signal handler. Both signs are understood (-ENOENT and ENOENT), so that
 * a plain errno can be shown as well. See errno(3), reeve_error(3). */
#ifndef REEVE_ERROR_H
#define REEVE_ERROR_H

#include "reeve/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Large enough for every text that reeve_error_format() writes, with its NUL. */
#define REEVE_ERROR_TEXT_MAX 96

/* "ENOENT" for -ENOENT, "OK" for 0, "EUNKNOWN" for what is no error number of this system. Never NULL; the
 * string is static. */
REEVE_API const char *reeve_error_name(int error);

/* "No such file or directory" for -ENOENT, "Success" for 0, "Unknown error" for what is no error number of
 * this system. Never NULL; the string is static. */
REEVE_API const char *reeve_error_text(int error);

/* The negative errno that `name` stands for ("ENOENT" gives -ENOENT, "OK" gives 0); the names that share a
 * number with another are known too ("EWOULDBLOCK").
 *
 * Returns 0 with *ret written, or -EINVAL where `name` is NULL or no such name (case counts). */
REEVE_API int reeve_error_from_name(const char *name, int *ret);

/* Write "No such file or directory (ENOENT)", or "Unknown error -4711", into `text`, cut to `size` bytes
 * with its NUL. Returns `text`, for use in an argument list. With `size` 0 nothing is written. */
REEVE_API char *reeve_error_format(int error, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
