/* Writing without SIGPIPE.
 *
 * From Linux 6.18 on a write can say so itself (RWF_NOSIGNAL). Where it can't, the signal is
 * blocked in the calling thread around the write. It is sent to that thread and to no other, so
 * that one which was raised can be taken away again before it is unblocked. */
#ifndef LIB_FD_SIGPIPE_H
#define LIB_FD_SIGPIPE_H

#include <signal.h>
#include <stdbool.h>

#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x00000100
#endif

/* Whether the kernel knows RWF_NOSIGNAL. */
bool sigpipe_flag_works(void);

struct sigpipe_guard {
	sigset_t mask;    /* as it was */
	bool was_pending; /* one that is somebody else's, to be left alone */
};

/* Block it, and restore what was; `failed` is whether the call between failed with EPIPE. Errno
 * is kept. */
void sigpipe_block(struct sigpipe_guard *guard);
void sigpipe_restore(const struct sigpipe_guard *guard, bool failed);

#endif
