/* What the kernel tells of a signal, in either of its two shapes, as a reeve_signal_event.
 * Async-signal-safe. */
#ifndef LIB_SIGNAL_EVENT_H
#define LIB_SIGNAL_EVENT_H

#include <signal.h>
#include <sys/signalfd.h>

#include "reeve/signal.h"

void event_from_info(const siginfo_t *info, struct reeve_signal_event *ret);
void event_from_signalfd(const struct signalfd_siginfo *info, struct reeve_signal_event *ret);

/* The signals of which the processor makes one when an instruction fails. */
#define SYNCHRONOUS_SIGNALS                                                                        \
	(REEVE_SIGNAL_SET(SIGSEGV) | REEVE_SIGNAL_SET(SIGBUS) | REEVE_SIGNAL_SET(SIGFPE) |         \
		REEVE_SIGNAL_SET(SIGILL) | REEVE_SIGNAL_SET(SIGTRAP) | REEVE_SIGNAL_SET(SIGSYS))

#endif
