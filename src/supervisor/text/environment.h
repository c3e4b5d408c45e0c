/* The value of `environment=`: KEY="value",OTHER=value, in the tokens of Python's shlex (its
 * non-POSIX rules), taken four by four: key, "=", value, and whatever separates it from the next.
 */
#ifndef TEXT_ENVIRONMENT_H
#define TEXT_ENVIRONMENT_H

#include <stddef.h>

/* Called for each pair in its order; a later pair of the same key replaces an earlier one. Neither
 * text ends in a NUL. A negative errno stops the parser and is returned by it. */
typedef int environment_callback(
	void *context, const char *key, size_t key_length, const char *value, size_t value_length);

/* -EINVAL with the reason (a constant) in `ret_why`: "No closing quotation", "Unexpected end of
 * key/value pairs". -ENOMEM. Callbacks are only made for a text that is right as a whole. */
int environment_parse(
	const char *text, environment_callback *callback, void *context, const char **ret_why);

#endif
