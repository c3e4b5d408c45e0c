/* Subscriptions: what callbacks are told, when, in which order; in each of the three modes. */
#include <sched.h>

#include "unit/signal_fixture.h"

START_TEST(a_callback_runs_at_the_safe_point_and_not_before)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;

	choose_mode(_i);
	subscription = subscribe(SIGUSR1, log_event, &log);
	ck_assert_int_eq(reeve_signal_dispatch(), 0);
	ck_assert_int_eq(reeve_signal_raise(SIGUSR1), 0);
	ck_assert_uint_eq(log.count, 0);
	wait_for_log(&log, 1);
	ck_assert_int_eq(log.events[0].signo, SIGUSR1);
	ck_assert_int_eq(log.events[0].pid, getpid());
	ck_assert_uint_eq(log.events[0].uid, getuid());
	ck_assert_uint_eq(log.events[0].count, 1);
	ck_assert_uint_eq(reeve_signal_count(SIGUSR1), 1);
	ck_assert_int_eq(reeve_signal_dispatch(), 0);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

START_TEST(a_value_comes_with_its_sender)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;
	pid_t sender;

	choose_mode(_i);
	subscription = subscribe(SIGRTMIN + 1, log_event, &log);
	sender = fork();
	if (sender == 0)
		_exit(reeve_signal_queue(getppid(), SIGRTMIN + 1, -5) == 0 ? 0 : 1);
	wait_for_log(&log, 1);
	ck_assert_int_eq(log.events[0].code, SI_QUEUE);
	ck_assert_int_eq(log.events[0].value, -5);
	ck_assert_ptr_eq(log.events[0].pointer, (void *)(intptr_t)-5);
	ck_assert_int_eq(log.events[0].pid, sender);
	ck_assert_uint_eq(log.events[0].uid, getuid());
	reap(sender);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

START_TEST(sigchld_tells_of_the_child)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;
	pid_t child;

	choose_mode(_i);
	subscription = subscribe(SIGCHLD, log_event, &log);
	child = fork();
	if (child == 0)
		_exit(7);
	wait_for_log(&log, 1);
	ck_assert_int_eq(log.events[0].code, CLD_EXITED);
	ck_assert_int_eq(log.events[0].pid, child);
	ck_assert_int_eq(log.events[0].status, 7);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

#define FLOOD 100000

static int expected_value;
static int out_of_order;

static void check_order(const struct reeve_signal_event *event, void *data)
{
	if (event->code != SI_QUEUE || event->value != expected_value || event->count != 1)
		out_of_order++;
	expected_value++;
}

static void send_flood(pid_t target)
{
	for (int i = 0; i < FLOOD; i++)
		while (reeve_signal_queue(target, SIGRTMIN, i) == -EAGAIN)
			sched_yield();
	_exit(0);
}

START_TEST(queued_signals_arrive_all_in_order_with_their_value)
{
	struct reeve_signal_subscription *subscription;
	pid_t sender;

	if (handlers_are_delayed(_i))
		return;
	choose_mode(_i);
	subscription = subscribe(SIGRTMIN, check_order, NULL);
	sender = fork();
	if (sender == 0)
		send_flood(getppid());
	while (expected_value < FLOOD)
		ck_assert_int_gt(reeve_signal_wait(SOON), 0);
	ck_assert_int_eq(expected_value, FLOOD);
	ck_assert_int_eq(out_of_order, 0);
	ck_assert_uint_eq(reeve_signal_count(SIGRTMIN), FLOOD);
	reap(sender);
	ck_assert_int_eq(reeve_signal_dispatch(), 0);
	reeve_signal_unsubscribe(subscription);
	ck_assert_uint_eq(reeve_signal_get_mask(), 0);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

/* As above, but nobody dispatches before all are sent, or the kernel's queue is full. */
START_TEST(queued_signals_wait_for_a_late_dispatcher)
{
	struct reeve_signal_subscription *subscription;
	int sent = 0;

	if (handlers_are_delayed(_i))
		return;
	choose_mode(_i);
	subscription = subscribe(SIGRTMIN, check_order, NULL);
	reeve_signal_dispatch(); /* this is the dispatcher */
	while (sent < 20000 && reeve_signal_queue(getpid(), SIGRTMIN, sent) == 0)
		sent++;
	ck_assert_int_gt(sent, 2000);
	while (expected_value < sent)
		ck_assert_int_gt(reeve_signal_wait(SOON), 0);
	ck_assert_int_eq(out_of_order, 0);
	ck_assert_uint_eq(reeve_signal_count(SIGRTMIN), (uint64_t)sent);
	reeve_signal_unsubscribe(subscription);
	ck_assert_uint_eq(reeve_signal_get_mask(), 0);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

START_TEST(a_flood_of_a_standard_signal_is_counted_as_it_arrives)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;
	uint64_t told = 0;

	if (handlers_are_delayed(_i))
		return;
	choose_mode(_i);
	subscription = subscribe(SIGUSR2, log_event, &log);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(reeve_signal_raise(SIGUSR2), 0);
	while (told < reeve_signal_count(SIGUSR2) || told == 0) {
		ck_assert_int_gt(reeve_signal_wait(SOON), 0);
		told = log.count;
	}
	ck_assert_uint_eq(log.count, reeve_signal_count(SIGUSR2));
	if (_i == REEVE_SIGNAL_HANDLER) /* not blocked: each was handled when it was raised */
		ck_assert_uint_eq(log.count, 1000);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

/* --- Several subscribers --------------------------------------------------------------------- */

static char trace[64];
static size_t traced;

struct actor {
	char name;
	struct reeve_signal_subscription *self;
	struct reeve_signal_subscription **ends;
	struct actor *adds;
};

static void act(const struct reeve_signal_event *event, void *data)
{
	struct actor *actor = data;

	trace[traced++] = actor->name;
	if (actor->ends)
		*actor->ends = reeve_signal_unsubscribe(*actor->ends);
	if (actor->adds) {
		actor->adds->self = subscribe(event->signo, act, actor->adds);
		actor->adds = NULL;
	}
}

START_TEST(subscribers_run_in_order_of_subscription)
{
	struct actor a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' };

	choose_mode(_i);
	a.self = subscribe(SIGUSR1, act, &a);
	b.self = subscribe(SIGUSR1, act, &b);
	c.self = subscribe(SIGUSR1, act, &c);
	reeve_signal_raise(SIGUSR1);
	ck_assert_int_eq(reeve_signal_wait(SOON), 1);
	ck_assert_str_eq(trace, "abc");
	reeve_signal_unsubscribe(b.self);
	ck_assert_int_eq(reeve_signal_disposition(SIGUSR1), REEVE_SIGNAL_HANDLED);
	reeve_signal_raise(SIGUSR1);
	ck_assert_int_eq(reeve_signal_wait(SOON), 1);
	ck_assert_str_eq(trace, "abcac");
	reeve_signal_unsubscribe(a.self);
	reeve_signal_unsubscribe(c.self);
	ck_assert_int_eq(reeve_signal_disposition(SIGUSR1), REEVE_SIGNAL_DEFAULT);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

START_TEST(callbacks_may_end_themselves_the_next_and_the_one_before)
{
	struct actor a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' },
		     d = { .name = 'd' };

	choose_mode(_i);
	a.self = subscribe(SIGUSR1, act, &a);
	b.self = subscribe(SIGUSR1, act, &b);
	c.self = subscribe(SIGUSR1, act, &c);
	d.self = subscribe(SIGUSR1, act, &d);
	b.ends = &c.self; /* the next */
	d.ends = &a.self; /* one before */
	reeve_signal_raise(SIGUSR1);
	ck_assert_int_eq(reeve_signal_wait(SOON), 1);
	ck_assert_str_eq(trace, "abd");
	b.ends = &b.self;
	d.ends = &d.self;
	reeve_signal_raise(SIGUSR1);
	ck_assert_int_eq(reeve_signal_wait(SOON), 1);
	ck_assert_str_eq(trace, "abdbd");
	ck_assert_int_eq(reeve_signal_disposition(SIGUSR1), REEVE_SIGNAL_DEFAULT);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

START_TEST(one_that_a_callback_adds_waits_for_the_next_arrival)
{
	struct actor a = { .name = 'a' }, b = { .name = 'b' };

	choose_mode(_i);
	a.self = subscribe(SIGUSR1, act, &a);
	a.adds = &b;
	reeve_signal_raise(SIGUSR1);
	ck_assert_int_eq(reeve_signal_wait(SOON), 1);
	ck_assert_str_eq(trace, "a");
	reeve_signal_raise(SIGUSR1);
	ck_assert_int_eq(reeve_signal_wait(SOON), 1);
	ck_assert_str_eq(trace, "aab");
	reeve_signal_unsubscribe(a.self);
	reeve_signal_unsubscribe(b.self);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

static void dispatch_more(const struct reeve_signal_event *event, void *data)
{
	int *depth = data;

	trace[traced++] = (char)('0' + event->value);
	if (++*depth < 3)
		while (traced < 4 && reeve_signal_wait(SOON) > 0)
			;
	trace[traced++] = ')';
}

START_TEST(a_nested_dispatch_goes_on_with_what_comes_next)
{
	int depth = 0;
	struct reeve_signal_subscription *subscription;

	if (handlers_are_delayed(_i))
		return;
	choose_mode(_i);
	subscription = subscribe(SIGRTMIN, dispatch_more, &depth);
	for (int i = 1; i <= 3; i++)
		reeve_signal_queue(getpid(), SIGRTMIN, i);
	while (traced < 6)
		ck_assert_int_ge(reeve_signal_wait(SOON), 1);
	ck_assert_str_eq(trace, "123)))");
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

START_TEST(the_mode_is_chosen_before_the_first_subscription)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;

	ck_assert_int_eq(reeve_signal_get_mode(), REEVE_SIGNAL_HANDLER);
	ck_assert_int_eq(reeve_signal_set_mode((enum reeve_signal_mode)3), -EINVAL);
	subscription = subscribe(SIGUSR1, log_event, &log);
	ck_assert_int_eq(reeve_signal_set_mode(REEVE_SIGNAL_FD), -EBUSY);
	ck_assert_int_eq(reeve_signal_shutdown(), -EBUSY);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_set_mode(REEVE_SIGNAL_FD), -EBUSY);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
	ck_assert_int_eq(reeve_signal_set_mode(REEVE_SIGNAL_FD), 0);
	ck_assert_int_eq(reeve_signal_get_mode(), REEVE_SIGNAL_FD);
	ck_assert_ptr_null(reeve_signal_unsubscribe(NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signal");
	TCase *tcase = leakproof_case("signal");

	add_test_in_each_mode(tcase, a_callback_runs_at_the_safe_point_and_not_before);
	add_test_in_each_mode(tcase, a_value_comes_with_its_sender);
	add_test_in_each_mode(tcase, sigchld_tells_of_the_child);
	add_test_in_each_mode(tcase, queued_signals_arrive_all_in_order_with_their_value);
	add_test_in_each_mode(tcase, queued_signals_wait_for_a_late_dispatcher);
	add_test_in_each_mode(tcase, a_flood_of_a_standard_signal_is_counted_as_it_arrives);
	add_test_in_each_mode(tcase, subscribers_run_in_order_of_subscription);
	add_test_in_each_mode(tcase, callbacks_may_end_themselves_the_next_and_the_one_before);
	add_test_in_each_mode(tcase, one_that_a_callback_adds_waits_for_the_next_arrival);
	add_test_in_each_mode(tcase, a_nested_dispatch_goes_on_with_what_comes_next);
	tcase_add_test(tcase, the_mode_is_chosen_before_the_first_subscription);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
