/* The other side of the seam (src/lib/base/sys.def): calls that can be told to fail.
 *
 *	for (n = 1; faulty_arm(n, ENOMEM), scenario(), faulty_fired(); n++)
 *		check that scenario() reported the error and left nothing behind;
 *
 * Counters are kept in shared memory so that calls in a forked child count on in the same series. */
#ifndef TESTS_SUPPORT_FAULTY_SYS_H
#define TESTS_SUPPORT_FAULTY_SYS_H

#include <stdbool.h>

/* From now on the n-th call (1 is the next) fails with `error`; the others work. n = 0: none fails. */
void faulty_arm(unsigned n, int error);

/* As faulty_arm, but counts calls of `name` only ("pipe2"). */
void faulty_arm_call(const char *name, unsigned n, int error);

/* From now on none fails; what the two below say stays. */
void faulty_disarm(void);

/* Whether the armed failure happened. */
bool faulty_fired(void);

/* The name of the call that was made to fail, or NULL. */
const char *faulty_name(void);

#endif
