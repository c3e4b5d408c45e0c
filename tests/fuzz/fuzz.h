/* What a fuzz target defines: one call, one input. It returns 0, and aborts (or trips a sanitizer) where the
 * code under test broke a promise. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
