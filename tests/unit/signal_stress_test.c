/* Many signals, and many threads at once: nothing is lost, nothing is torn. Run under
 * ThreadSanitizer, too. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "reeve/timer.h"
#include "unit/signal_fixture.h"

#define DEPENDENT 3000

static void arm_next(const struct reeve_signal_event *event, void *data)
{
	static const struct reeve_timer_value soon = { .left = REEVE_USEC };
	uint64_t *count = data;

	if (++*count < DEPENDENT)
		ck_assert_int_eq(reeve_timer_set(REEVE_TIMER_REAL, soon, NULL), 0);
}

/* Each signal is caused by the callback of the one before: one lost would stop it all. */
START_TEST(a_chain_of_signals_does_not_break)
{
	struct reeve_signal_subscription *subscription;
	uint64_t count = 0;

	choose_mode(_i);
	subscription = subscribe(SIGALRM, arm_next, &count);
	ck_assert_int_eq(reeve_alarm(REEVE_USEC, NULL), 0);
	while (count < DEPENDENT)
		ck_assert_int_gt(reeve_signal_wait(SOON), 0);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

/* Two at the same moment, each counted. */
START_TEST(simultaneous_signals_all_arrive)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *one, *two;

	choose_mode(_i);
	one = subscribe(SIGUSR1, log_event, &log);
	two = subscribe(SIGALRM, log_event, &log);
	for (uint64_t i = 1; i <= 2000; i++) {
		ck_assert_int_eq(reeve_alarm(REEVE_USEC, NULL), 0);
		ck_assert_int_eq(reeve_signal_send(getpid(), SIGUSR1), 0);
		wait_for_log(&log, 2 * i);
	}
	reeve_signal_unsubscribe(one);
	reeve_signal_unsubscribe(two);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

/* --- Threads --------------------------------------------------------------------------------- */

#define SENDERS 6
#define EACH 500

static _Atomic uint64_t told;
static atomic_bool done;

static void count_told(const struct reeve_signal_event *event, void *data)
{
	atomic_fetch_add(&told, event->count);
}

static void *send_many(void *unused)
{
	reeve_signal_mask(REEVE_SIGNAL_BLOCK, REEVE_SIGNAL_ALL, NULL);
	for (int i = 0; i < EACH; i++)
		while (reeve_signal_queue(getpid(), SIGRTMIN, i) == -EAGAIN)
			sched_yield();
	return NULL;
}

START_TEST(what_six_threads_send_arrives)
{
	struct reeve_signal_subscription *subscription;
	pthread_t threads[SENDERS];

	if (handlers_are_delayed(_i))
		return;
	choose_mode(_i);
	subscription = subscribe(SIGRTMIN, count_told, NULL);
	for (size_t i = 0; i < SENDERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, send_many, NULL), 0);
	while (atomic_load(&told) < SENDERS * EACH)
		ck_assert_int_gt(reeve_signal_wait(SOON), 0);
	for (size_t i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(reeve_signal_count(SIGRTMIN), SENDERS * EACH);
	ck_assert_uint_eq(atomic_load(&told), SENDERS * EACH);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

static void *dispatch_many(void *unused)
{
	while (!atomic_load(&done))
		reeve_signal_wait(REEVE_MSEC);
	return NULL;
}

static void *dispatch_once(void *unused)
{
	ck_assert_int_eq(reeve_signal_wait(SOON), 1);
	return NULL;
}

/* One that dispatches leaves the others' sleep as it was: each arrival wakes somebody. */
START_TEST(each_of_several_sleepers_is_woken)
{
	struct reeve_signal_subscription *subscription;
	pthread_t threads[3];

	choose_mode(_i);
	subscription = subscribe(SIGRTMIN, count_told, NULL);
	reeve_signal_mask(REEVE_SIGNAL_BLOCK, REEVE_SIGNAL_SET(SIGRTMIN), NULL);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, dispatch_once, NULL), 0);
	reeve_signal_mask(REEVE_SIGNAL_SETMASK, REEVE_SIGNAL_NONE, NULL);
	for (uint64_t i = 1; i <= 3; i++) {
		ck_assert_int_eq(reeve_signal_queue(getpid(), SIGRTMIN, 1), 0);
		while (atomic_load(&told) < i)
			sched_yield();
	}
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

static void *subscribe_many(void *unused)
{
	for (int i = 0; i < 300; i++) {
		struct reeve_signal_subscription *subscription;

		if (reeve_signal_subscribe(SIGRTMIN, count_told, NULL, &subscription) < 0)
			return &told; /* anything */
		reeve_signal_unsubscribe(subscription);
	}
	return NULL;
}

/* Subscribing, ending, sending and dispatching, all from different threads. */
START_TEST(threads_subscribe_send_and_dispatch)
{
	struct reeve_signal_subscription *keep;
	pthread_t dispatchers[2], subscribers[2], sender;
	void *failed;

	if (handlers_are_delayed(_i))
		return;
	choose_mode(_i);
	keep = subscribe(SIGRTMIN, count_told, NULL);
	ck_assert_int_eq(pthread_create(&sender, NULL, send_many, NULL), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(pthread_create(&dispatchers[i], NULL, dispatch_many, NULL), 0);
		ck_assert_int_eq(pthread_create(&subscribers[i], NULL, subscribe_many, NULL), 0);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(subscribers[i], &failed);
		ck_assert_ptr_null(failed);
	}
	pthread_join(sender, NULL);
	while (reeve_signal_count(SIGRTMIN) < EACH || atomic_load(&told) < EACH)
		reeve_signal_wait(REEVE_MSEC);
	atomic_store(&done, true);
	for (int i = 0; i < 2; i++)
		pthread_join(dispatchers[i], NULL);
	ck_assert_uint_eq(reeve_signal_count(SIGRTMIN), EACH);
	reeve_signal_unsubscribe(keep);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

static atomic_bool entered, in_callback, freed;
static int after_end;

static void dwell(const struct reeve_signal_event *event, void *data)
{
	atomic_store(&in_callback, true);
	atomic_store(&entered, true);
	for (int i = 0; i < 100; i++)
		sched_yield();
	if (atomic_load(&freed))
		after_end++;
	atomic_store(&in_callback, false);
}

/* When reeve_signal_unsubscribe() returns, the callback does not run any more in any thread. */
START_TEST(what_is_ended_runs_no_more)
{
	pthread_t dispatcher;

	choose_mode(_i);
	ck_assert_int_eq(pthread_create(&dispatcher, NULL, dispatch_many, NULL), 0);
	for (int i = 0; i < 20; i++) {
		struct reeve_signal_subscription *subscription;

		atomic_store(&freed, false);
		atomic_store(&entered, false);
		subscription = subscribe(SIGRTMIN, dwell, NULL);
		reeve_signal_send(getpid(), SIGRTMIN);
		while (!atomic_load(&entered))
			sched_yield();
		reeve_signal_unsubscribe(subscription);
		atomic_store(&freed, true);
		ck_assert(!atomic_load(&in_callback));
	}
	atomic_store(&done, true);
	pthread_join(dispatcher, NULL);
	ck_assert_int_eq(after_end, 0);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

static void *raise_many(void *unused)
{
	while (!atomic_load(&done))
		reeve_signal_send(getpid(), SIGUSR1);
	return NULL;
}

/* Handled and ignored in turn, while another thread raises it: it never meets its default
 * action. */
START_TEST(changing_what_is_installed_while_signals_come)
{
	struct reeve_signal_subscription *subscription;
	pthread_t raiser;

	choose_mode(_i);
	ck_assert_int_eq(reeve_signal_ignore(SIGUSR1), 0);
	ck_assert_int_eq(pthread_create(&raiser, NULL, raise_many, NULL), 0);
	for (int i = 0; i < 500; i++) {
		subscription = subscribe(SIGUSR1, count_told, NULL);
		reeve_signal_dispatch();
		reeve_signal_unsubscribe(subscription);
	}
	atomic_store(&done, true);
	pthread_join(raiser, NULL);
	ck_assert_int_eq(reeve_signal_disposition(SIGUSR1), REEVE_SIGNAL_IGNORED);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

/* A thread that takes signals while nobody dispatches overruns the ring: none is lost without
 * being counted. */
static void *overrun(void *unused)
{
	for (int i = 0; i < 10000; i++)
		reeve_signal_raise(SIGRTMIN);
	return NULL;
}

START_TEST(what_the_ring_cannot_hold_is_counted)
{
	struct reeve_signal_subscription *subscription;
	pthread_t thread;

	if (handlers_are_delayed(REEVE_SIGNAL_HANDLER))
		return;
	subscription = subscribe(SIGRTMIN, count_told, NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL, overrun, NULL), 0);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(reeve_signal_count(SIGRTMIN), 10000);
	while (reeve_signal_dispatch() > 0)
		;
	ck_assert_uint_eq(atomic_load(&told), 10000);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signal stress");
	TCase *tcase = leakproof_case("stress");

	add_test_in_each_mode(tcase, a_chain_of_signals_does_not_break);
	add_test_in_each_mode(tcase, simultaneous_signals_all_arrive);
	add_test_in_each_mode(tcase, what_six_threads_send_arrives);
	add_test_in_each_mode(tcase, each_of_several_sleepers_is_woken);
	add_test_in_each_mode(tcase, threads_subscribe_send_and_dispatch);
	add_test_in_each_mode(tcase, what_is_ended_runs_no_more);
	add_test_in_each_mode(tcase, changing_what_is_installed_while_signals_come);
	tcase_add_test(tcase, what_the_ring_cannot_hold_is_counted);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
