/* One list a signal, in order of subscription. Lists grow at the end under the registry lock,
 * and are walked without it by whoever has the turn; so an element is only taken out with both.
 * Until then one that was ended is passed over. */
#include "lib/signal/subscription.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"
#include "lib/signal/engine.h"
#include "lib/signal/locks.h"
#include "lib/signal/mode.h"

struct reeve_signal_subscription {
	_Atomic(struct reeve_signal_subscription *) next;
	atomic_bool ended;
	bool dropped; /* it is in no list any more */
	int signo;
	reeve_signal_callback *callback;
	void *data;
};

struct list {
	_Atomic(struct reeve_signal_subscription *) first, last;
	unsigned live; /* those not ended */
};

static struct list lists[65];
static unsigned live;
static atomic_bool have_ended;

static void append(struct list *list, struct reeve_signal_subscription *subscription)
{
	struct reeve_signal_subscription *last = atomic_load(&list->last);

	atomic_store(last ? &last->next : &list->first, subscription);
	atomic_store(&list->last, subscription);
	list->live++;
	live++;
}

static int subscribe_locked(struct reeve_signal_subscription *subscription)
{
	struct list *list = &lists[subscription->signo];
	int r = engine_start();

	if (r == 0 && list->live == 0)
		r = engine_mode()->watch(subscription->signo);
	if (r < 0) {
		engine_stop_if_new();
		return r;
	}
	append(list, subscription);
	engine_keep();
	return 0;
}

int reeve_signal_subscribe(int signo, reeve_signal_callback *callback, void *data,
	struct reeve_signal_subscription **ret)
{
	CLEANUP_FREE struct reeve_signal_subscription *subscription = NULL;
	int r = reeve_signal_check(signo);

	if (r < 0)
		return r;
	subscription = sys_calloc(1, sizeof *subscription);
	if (!subscription)
		return -ENOMEM;
	subscription->signo = signo;
	subscription->callback = callback;
	subscription->data = data;
	registry_lock();
	r = subscribe_locked(subscription);
	registry_unlock();
	if (r == 0)
		*ret = TAKE_PTR(subscription);
	return r;
}

static void end(struct reeve_signal_subscription *subscription)
{
	struct list *list = &lists[subscription->signo];

	registry_lock();
	atomic_store(&subscription->ended, true);
	atomic_store(&have_ended, true);
	live--;
	if (--list->live == 0)
		engine_mode()->unwatch(subscription->signo);
	registry_unlock();
}

struct reeve_signal_subscription *reeve_signal_unsubscribe(
	struct reeve_signal_subscription *subscription)
{
	if (!subscription)
		return NULL;
	if (subscription->dropped) {
		free(subscription);
		return NULL;
	}
	engine_refresh();
	end(subscription);
	if (this_thread.depth == 0) { /* otherwise the end of the turn will */
		take_turn();
		subscription_sweep();
		end_turn();
	}
	return NULL;
}

/* Those that a callback adds come after `last` and wait for the next arrival. */
void subscription_run(const struct reeve_signal_event *event)
{
	struct list *list = &lists[event->signo];
	struct reeve_signal_subscription *last =
		atomic_load_explicit(&list->last, memory_order_acquire);
	struct reeve_signal_subscription *one;

	if (!last)
		return;
	for (one = atomic_load_explicit(&list->first, memory_order_acquire);;
		one = atomic_load_explicit(&one->next, memory_order_acquire)) {
		if (!atomic_load_explicit(&one->ended, memory_order_acquire))
			one->callback(event, one->data);
		if (one == last)
			break;
	}
}

static void sweep_list(struct list *list)
{
	struct reeve_signal_subscription *before = NULL, *one = atomic_load(&list->first), *next;

	for (; one; one = next) {
		next = atomic_load(&one->next);
		if (!atomic_load(&one->ended)) {
			before = one;
			continue;
		}
		atomic_store(before ? &before->next : &list->first, next);
		if (!next)
			atomic_store(&list->last, before);
		free(one);
	}
}

void subscription_sweep(void)
{
	if (!atomic_load_explicit(&have_ended, memory_order_relaxed))
		return;
	registry_lock();
	atomic_store(&have_ended, false);
	for (int signo = 1; signo <= 64; signo++)
		sweep_list(&lists[signo]);
	registry_unlock();
}

/* Whoever has the handle may still end it; what was ended already, nobody has. */
static void drop_list(struct list *list)
{
	struct reeve_signal_subscription *one = atomic_load(&list->first), *next;

	for (; one; one = next) {
		next = atomic_load(&one->next);
		one->dropped = true;
		if (atomic_load(&one->ended))
			free(one);
	}
	atomic_store(&list->first, NULL);
	atomic_store(&list->last, NULL);
	list->live = 0;
}

void subscription_drop_all(void)
{
	for (int signo = 1; signo <= 64; signo++) {
		if (lists[signo].live > 0)
			engine_mode()->unwatch(signo);
		drop_list(&lists[signo]);
	}
	live = 0;
	atomic_store(&have_ended, false);
}

bool subscription_exists(void)
{
	return live > 0;
}
