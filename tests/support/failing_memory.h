/* Memory that runs out: the n-th request for it fails, once. A program that links with the `--wrap` options of
 * tests/fault/meson.build has it in place of the C library's. */
#ifndef TESTS_SUPPORT_FAILING_MEMORY_H
#define TESTS_SUPPORT_FAILING_MEMORY_H

/* From now on count requests, and let request number `n` fail, from 1; 0: none. */
void memory_fail(unsigned long n);

/* Whether that request came. */
int memory_failed(void);

#endif
