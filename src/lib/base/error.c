#include "reeve/error.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define NAME_MAX_LENGTH 15 /* of the names in error.def: ENOTRECOVERABLE, EPROTONOSUPPORT */

static const struct {
	char name[NAME_MAX_LENGTH + 1];
	const char *text;
} errors[] = {
	[0] = { "OK", "Success" },
#define ERROR(number, text) [number] = { #number, text },
#include "lib/base/error.def"
#undef ERROR
};

#define ERROR_COUNT (sizeof errors / sizeof *errors)

/* Second names of the numbers above. */
static const struct {
	const char *name;
	int number;
} aliases[] = {
	{ "EWOULDBLOCK", EWOULDBLOCK },
	{ "EDEADLOCK", EDEADLOCK },
	{ "ENOTSUP", ENOTSUP },
};

/* The place of `error` in the table, or -1. Both signs are understood. */
static int find(int error)
{
	int number = error < 0 && error != INT_MIN ? -error : error;

	if (number < 0 || (size_t)number >= ERROR_COUNT || !errors[number].text)
		return -1;
	return number;
}

const char *reeve_error_name(int error)
{
	int number = find(error);

	return number < 0 ? "EUNKNOWN" : errors[number].name;
}

const char *reeve_error_text(int error)
{
	int number = find(error);

	return number < 0 ? "Unknown error" : errors[number].text;
}

int reeve_error_from_name(const char *name, int *ret)
{
	if (!name)
		return -EINVAL;
	for (size_t i = 0; i < ERROR_COUNT; i++) {
		if (errors[i].text && strcmp(errors[i].name, name) == 0) {
			*ret = -(int)i;
			return 0;
		}
	}
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
		if (strcmp(aliases[i].name, name) == 0) {
			*ret = -aliases[i].number;
			return 0;
		}
	}
	return -EINVAL;
}

/* A text being written, cut where it is full; never snprintf(3), which is not async-signal-safe. */
struct writer {
	char *next, *end;
};

static void append(struct writer *writer, const char *text)
{
	while (*text && writer->next < writer->end)
		*writer->next++ = *text++;
}

static void append_number(struct writer *writer, int number)
{
	char digits[sizeof "-2147483648"];
	char *first = digits + sizeof digits - 1;
	unsigned left = number < 0 ? 0u - (unsigned)number : (unsigned)number;

	*first = '\0';
	do
		*--first = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (number < 0)
		*--first = '-';
	append(writer, first);
}

char *reeve_error_format(int error, char *text, size_t size)
{
	struct writer writer;

	if (size == 0)
		return text;
	writer = (struct writer){ .next = text, .end = text + size - 1 };
	append(&writer, reeve_error_text(error));
	if (find(error) < 0) {
		append(&writer, " ");
		append_number(&writer, error);
	} else {
		append(&writer, " (");
		append(&writer, reeve_error_name(error));
		append(&writer, ")");
	}
	*writer.next = '\0';
	return text;
}
