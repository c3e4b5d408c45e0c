#include "lib/signal/intake.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>

#include "lib/signal/gate.h"
#include "lib/signal/ring.h"
#include "lib/signal/waker.h"
#include "lib/signal/wakeup_fd.h"

static struct ring ring;
static _Atomic uint64_t counts[65]; /* by producers */
static _Atomic uint64_t noted[65];  /* by the dispatcher alone */
static _Atomic uint64_t lost[65];   /* arrivals that found the ring full, not told yet */
static _Atomic reeve_signal_set have_lost;
static atomic_uint producers;

/* Not in a child that did not start over yet: the descriptors are its parent's. */
static void tell(int signo)
{
	if (gate_is_open()) {
		wakeup_fd_write(signo);
		waker_wake();
	}
}

int intake_try_put(const struct reeve_signal_event *event)
{
	bool pushed;

	atomic_fetch_add(&producers, 1);
	/* Before it can be taken: whoever is told of it finds it counted. */
	atomic_fetch_add_explicit(&counts[event->signo], 1, memory_order_relaxed);
	pushed = ring_push(&ring, event);
	if (pushed)
		tell(event->signo);
	else
		atomic_fetch_sub_explicit(&counts[event->signo], 1, memory_order_relaxed);
	atomic_fetch_sub(&producers, 1);
	return pushed ? 0 : -EAGAIN;
}

uint64_t intake_put(const struct reeve_signal_event *event)
{
	if (intake_try_put(event) == 0)
		return ring_length(&ring) + 1;
	intake_lose(event->signo);
	return 0;
}

void intake_lose(int signo)
{
	atomic_fetch_add(&producers, 1);
	atomic_fetch_add_explicit(&counts[signo], 1, memory_order_relaxed);
	atomic_fetch_add(&lost[signo], 1);
	atomic_fetch_or(&have_lost, REEVE_SIGNAL_SET(signo));
	tell(signo);
	atomic_fetch_sub(&producers, 1);
}

void intake_note(const struct reeve_signal_event *event)
{
	_Atomic uint64_t *count = &noted[event->signo];

	atomic_store_explicit(
		count, atomic_load_explicit(count, memory_order_relaxed) + 1, memory_order_relaxed);
	wakeup_fd_write(event->signo);
}

bool intake_has_lost(void)
{
	return atomic_load(&have_lost) != 0;
}

bool intake_take_lost(struct reeve_signal_event *ret)
{
	reeve_signal_set set = atomic_load_explicit(&have_lost, memory_order_relaxed);
	int signo;

	if (set == 0)
		return false;
	signo = __builtin_ctzll(set) + 1;
	atomic_fetch_and(&have_lost, ~REEVE_SIGNAL_SET(signo));
	*ret = (struct reeve_signal_event){ .signo = signo,
		.count = atomic_exchange(&lost[signo], 0) };
	return ret->count > 0;
}

bool intake_take(struct reeve_signal_event *ret)
{
	return ring_pop(&ring, ret) || intake_take_lost(ret);
}

bool intake_is_empty(void)
{
	return ring_is_empty(&ring) && !intake_has_lost();
}

uint64_t intake_length(void)
{
	return ring_length(&ring);
}

void intake_reset(void)
{
	ring_reset(&ring);
	atomic_store(&have_lost, 0);
	for (int signo = 0; signo <= 64; signo++)
		atomic_store(&lost[signo], 0);
	atomic_store(&producers, 0);
}

void intake_wait_for_producers(void)
{
	while (atomic_load(&producers) > 0)
		sched_yield();
}

uint64_t reeve_signal_count(int signo)
{
	if (!REEVE_SIGNAL_SET(signo))
		return 0;
	return atomic_load(&counts[signo]) + atomic_load(&noted[signo]);
}
