#include "support/failing_memory.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/types.h>

static unsigned long countdown;
static int failed;

void memory_fail(unsigned long n)
{
	countdown = n;
	failed = 0;
}

int memory_failed(void)
{
	return failed;
}

static int fails(void)
{
	if (countdown == 0 || --countdown > 0)
		return 0;
	failed = 1;
	errno = ENOMEM;
	return 1;
}

#define WRAP(type, name, parameters, arguments, failure)                                           \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		return fails() ? failure : __real_##name arguments;                                \
	}

WRAP(void *, malloc, (size_t size), (size), NULL)
WRAP(void *, calloc, (size_t count, size_t size), (count, size), NULL)
WRAP(void *, realloc, (void *old, size_t size), (old, size), NULL)
WRAP(void *, reallocarray, (void *old, size_t count, size_t size), (old, count, size), NULL)
WRAP(char *, strdup, (const char *text), (text), NULL)
WRAP(char *, strndup, (const char *text, size_t size), (text, size), NULL)
WRAP(void *, mmap, (void *address, size_t size, int protection, int flags, int fd, off_t offset),
	(address, size, protection, flags, fd, offset), MAP_FAILED)
