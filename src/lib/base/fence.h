#ifndef LIB_BASE_FENCE_H
#define LIB_BASE_FENCE_H

#include <stdatomic.h>

/* What comes before is seen by all before what comes after is looked at. */
static inline void full_fence(void)
{
#ifdef __SANITIZE_THREAD__ /* it does not know fences, and gcc warns of that */
	_Atomic int nothing = 0;

	atomic_fetch_add(&nothing, 0);
#else
	atomic_thread_fence(memory_order_seq_cst);
#endif
}

#endif
