/* What a fuzz target defines: one call, one input. It returns 0, and aborts (or trips a sanitizer) where the
 * code under test broke a promise. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input as a string, up to its first NUL; to be freed. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1);

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	return text;
}

#endif
