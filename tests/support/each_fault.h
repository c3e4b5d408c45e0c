/* A scenario in which each system call is made to fail in turn. */
#ifndef TESTS_SUPPORT_EACH_FAULT_H
#define TESTS_SUPPORT_EACH_FAULT_H

#include <errno.h>
#include <string.h>

#include "support/faulty_sys.h"
#include "support/harness.h"

/* In a scenario: what a call answers is the scenario's answer if it is an error. */
#define TRY(call)                                                                                  \
	do {                                                                                       \
		int r_ = (call);                                                                   \
		if (r_ < 0)                                                                        \
			return r_;                                                                 \
	} while (0)

static inline bool is_one_of(const char *name, const char *const *names)
{
	while (names && *names)
		if (strcmp(name, *names++) == 0)
			return true;
	return false;
}

/* What a call that failed with `error` has to come to: memory is short in one way only. */
static inline int expected_error(const char *name, int error)
{
	static const char *const memory[] = { "malloc", "calloc", "realloc", "reallocarray", NULL };

	return is_one_of(name, memory) ? -ENOMEM : -error;
}

/* Run it until no call is left to fail. It returns 0 or the first negative errno it met; that has
 * to be `error`, unless the call is one of `absorbed` (a list ended by NULL, or NULL), of whose
 * failure there may be no trace. Each time it has to leave as many descriptors, and no child. */
static inline void fail_each_call(int (*scenario)(void), int error, const char *const *absorbed)
{
	int before = count_open_fds();
	bool fired = true;

	for (unsigned n = 1; fired; n++) {
		const char *name;
		int r;

		faulty_arm(n, error);
		r = scenario();
		fired = faulty_fired();
		name = fired ? faulty_name() : "none";
		faulty_arm(0, 0);
		ck_assert_msg(count_open_fds() == before, "call %u, %s: %d descriptors more", n,
			name, count_open_fds() - before);
		ck_assert_msg(!has_child(), "call %u: a child is left", n);
		if (fired)
			ck_assert_msg(r == expected_error(name, error) ||
					      (r == 0 && is_one_of(name, absorbed)),
				"call %u, %s: the scenario returned %d", n, name, r);
		else
			ck_assert_msg(n > 1 && r == 0, "without a failure it returned %d", r);
	}
}

#endif
