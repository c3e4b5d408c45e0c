/* Meeting points, killed at every instruction: events, conditions, barriers. */
#include "kill/sync_step.h"

#define CELLS 4

static struct reeve_event *event;
static struct reeve_condition *condition;
static struct reeve_lock *lock;
static struct reeve_barrier *barrier;

/* --- Events: set or not, and who waits goes if it is ----------------------------------------- */

static int wait_for_event(void *data)
{
	return reeve_event_wait(event, REEVE_FOREVER);
}

static void prepare_event(void)
{
	begin_scenario();
	ck_assert_int_eq(reeve_event_new(arena, "event", 0, &event), 0);
}

static void prepare_awaited_event(void)
{
	prepare_event();
	start_sleeper_on(0, wait_for_event, event);
	let_sleepers_sleep();
}

static void set_event(void)
{
	answers->child = reeve_event_set(event);
}

static void set_and_clear_event(void)
{
	set_event();
	answers->child += reeve_event_clear(event);
}

static void wait_briefly_for_event(void)
{
	answers->child = reeve_event_wait(event, BRIEFLY);
}

static void set_event_meanwhile(void)
{
	ck_assert_int_eq(reeve_event_set(event), 0);
}

static void settle_event(bool finished)
{
	_Atomic uint32_t *word = memory_of(event);
	bool was_set = atomic_load(word) >> 2; /* ever */

	recover_all();
	ck_assert_msg(!finished || was_set, "%s: not set", step_where);
	if (!was_set)
		ck_assert_int_eq(reeve_event_set(event), 0);
	ck_assert_int_eq(join_sleeper(0), 0);
	ck_assert_int_eq(reeve_event_clear(event), 0);
	ck_assert_int_eq(reeve_event_wait(event, 0), -ETIMEDOUT);
	event = reeve_event_free(event);
	end_scenario();
}

/* Set meanwhile, before the child began to wait or after. */
static void settle_waited(bool finished)
{
	recover_all();
	ck_assert(!finished || answers->child == 0 || answers->child == -ETIMEDOUT);
	ck_assert_int_eq(reeve_event_wait(event, 0), 0);
	event = reeve_event_free(event);
	end_scenario();
}

/* --- Conditions: as many go as were notified, whoever dies ----------------------------------- */

static int wait_once(void *data)
{
	int r = reeve_lock_acquire(lock, REEVE_FOREVER), released;

	if (r < 0 && r != -EOWNERDEAD)
		return r;
	r = reeve_condition_wait(condition, lock, REEVE_FOREVER);
	released = reeve_lock_release(lock);
	return released < 0 ? -EILSEQ : r;
}

static void make_condition(void)
{
	begin_scenario();
	ck_assert_int_eq(reeve_lock_new(arena, "lock", 0, &lock), 0);
	ck_assert_int_eq(reeve_condition_new(arena, "condition", CELLS, 0, &condition), 0);
}

/* The sleepers wait, and the tracer holds the lock no more. */
static void prepare_waiters(void)
{
	make_condition();
	for (int i = 0; i < SLEEPERS; i++)
		start_sleeper_on(i, wait_once, condition);
	let_sleepers_sleep();
	ck_assert_int_eq(reeve_condition_waiting(condition), SLEEPERS);
}

/* One waits already when the child comes. */
static void prepare_waiter(void)
{
	make_condition();
	start_sleeper_on(0, wait_once, condition);
	let_sleepers_sleep();
}

static int wait_in_victim(void *data)
{
	attach();
	return wait_once(NULL);
}

/* Two that were notified died, and one sleeps on. */
static void prepare_dead_notified(void)
{
	pid_t dead;

	make_condition();
	dead = process_sleep(wait_in_victim, NULL);
	WAIT_UNTIL(reeve_condition_waiting(condition) == 1);
	start_sleeper_on(0, wait_once, condition);
	let_sleepers_sleep();
	WAIT_UNTIL(reeve_condition_waiting(condition) == 2);
	ck_assert_int_eq(reeve_lock_acquire(lock, 0), 0);
	ck_assert_int_eq(reeve_condition_notify(condition, 1), 1);
	kill_and_reap(dead);
	ck_assert_int_eq(reeve_lock_release(lock), 0);
}

static void notify_one(void)
{
	answers->child = reeve_condition_notify(condition, 1);
}

static void notify_all(void)
{
	answers->child = reeve_condition_notify(condition, UINT_MAX);
}

static void enter_with_lock(void)
{
	attach();
	ck_assert_int_eq(reeve_lock_acquire(lock, 0), 0);
}

static void wait_briefly(void)
{
	answers->child = reeve_condition_wait(condition, lock, BRIEFLY);
}

static void notify_meanwhile(void)
{
	answers->tracer = reeve_condition_notify(condition, 1);
}

static int count_woken(void)
{
	int woken = 0;

	for (int i = 0; i < SLEEPERS && answers->pids[i]; i++)
		woken += !is_sleeping(i);
	return woken;
}

/* Whatever was notified is awake; the others are notified now, and nobody is left. */
static void settle_waiters(int count)
{
	int waiting = reeve_condition_waiting(condition);

	ck_assert_msg(count_woken() == count - waiting, "%s: %d woken, %d of %d wait", step_where,
		count_woken(), waiting, count);
	ck_assert_int_eq(reeve_condition_notify(condition, UINT_MAX), waiting);
	for (int i = 0; i < count; i++) {
		int r = join_sleeper(i);

		ck_assert_msg(r == 0 || r == -EOWNERDEAD, "%s: %d", step_where, r);
	}
	ck_assert_int_ne(reeve_lock_acquire(lock, 0), -ETIMEDOUT);
	ck_assert_int_eq(reeve_lock_release(lock), 0);
	for (int i = 0; i < CELLS; i++) /* none is lost */
		ck_assert_uint_eq(atomic_load((_Atomic uint64_t *)memory_of(condition) + 8 + i), 0);
	condition = reeve_condition_free(condition);
	lock = reeve_lock_free(lock);
	end_scenario();
}

static void settle_notified(bool finished)
{
	int waiting;

	recover_all();
	waiting = reeve_condition_waiting(condition);
	ck_assert_msg(
		waiting == SLEEPERS || waiting == SLEEPERS - 1, "%s: %d wait", step_where, waiting);
	ck_assert(!finished || (answers->child == 1 && waiting == SLEEPERS - 1));
	settle_waiters(SLEEPERS);
}

static void settle_all_notified(bool finished)
{
	recover_all();
	ck_assert(!finished || answers->child == SLEEPERS);
	ck_assert(!finished || reeve_condition_waiting(condition) == 0);
	settle_waiters(SLEEPERS);
}

/* The tracer's own notification is one of those that were given. */
static void settle_twice_notified(bool finished)
{
	int waiting;

	ck_assert_int_eq(answers->tracer, 1);
	recover_all();
	waiting = reeve_condition_waiting(condition);
	ck_assert_msg(waiting == (finished ? 0 : waiting) && waiting < SLEEPERS, "%s: %d wait",
		step_where, waiting);
	settle_waiters(SLEEPERS);
}

/* The child waited in vain, or died: that is all the same to the one who sleeps. */
static void settle_gone(bool finished)
{
	ck_assert(!finished || answers->child == -ETIMEDOUT);
	recover_all();
	ck_assert_int_eq(reeve_condition_waiting(condition), 1);
	settle_waiters(1);
}

/* Whether somebody was notified that has not given up its cell. */
static bool is_one_notified(void)
{
	const _Atomic uint64_t *cells = (_Atomic uint64_t *)memory_of(condition) + 8;

	for (int i = 0; i < CELLS; i++)
		if (atomic_load(&cells[i]) & 0x8000)
			return true;
	return false;
}

/* One notification was given, to the child or the sleeper. If to the child, and it died with it, the
 * sleeper has it now. */
static void settle_one_notification(bool finished)
{
	bool notified = is_one_notified();

	recover_all();
	ck_assert_msg(!notified || count_woken() == 1, "%s: a notification is lost", step_where);
	ck_assert_msg(!finished || answers->child == 0 || count_woken() == answers->tracer,
		"%s: child %d, woken %d", step_where, answers->child, count_woken());
	settle_waiters(1);
}

/* It is handed on by somebody, whoever begins with it. */
static void settle_handed_on(bool finished)
{
	recover_all();
	ck_assert_msg(count_woken() == 1, "%s: a notification is lost", step_where);
	settle_waiters(1);
}

/* --- Barriers: all or nobody ------------------------------------------------------------------ */

static int arrive(void *data)
{
	return reeve_barrier_wait(barrier, REEVE_FOREVER);
}

static void make_barrier(unsigned parties)
{
	begin_scenario();
	ck_assert_int_eq(reeve_barrier_new(arena, "barrier", parties, 0, &barrier), 0);
}

static void prepare_barrier(void)
{
	make_barrier(2);
}

static void prepare_awaited_barrier(void)
{
	make_barrier(2);
	start_sleeper_on(0, arrive, barrier);
	let_sleepers_sleep();
}

static void prepare_large_barrier(void)
{
	make_barrier(3);
	start_sleeper_on(0, arrive, barrier);
	let_sleepers_sleep();
}

static void prepare_dead_arrival(void)
{
	pid_t dead;

	make_barrier(3);
	dead = process_sleep(arrive, NULL);
	WAIT_UNTIL(reeve_barrier_waiting(barrier) == 1);
	start_sleeper_on(0, arrive, barrier);
	let_sleepers_sleep();
	kill_and_reap(dead);
}

static void arrive_briefly(void)
{
	answers->child = reeve_barrier_wait(barrier, BRIEFLY);
}

static void abort_barrier(void)
{
	answers->child = reeve_barrier_abort(barrier);
}

static void reset_barrier(void)
{
	answers->child = reeve_barrier_reset(barrier);
}

/* Completes it if all others have arrived, else breaks it. */
static void arrive_meanwhile(void)
{
	answers->tracer = reeve_barrier_wait(barrier, 0);
}

static void abort_meanwhile(void)
{
	ck_assert_int_eq(reeve_barrier_abort(barrier), 0);
}

static void reset_meanwhile(void)
{
	ck_assert_int_eq(reeve_barrier_reset(barrier), 0);
}

/* Mended, and as good as new: nobody is thought to be there. */
static void end_barrier(void)
{
	ck_assert_int_eq(reeve_barrier_reset(barrier), 0);
	ck_assert_int_eq(reeve_barrier_is_broken(barrier), 0);
	ck_assert_int_eq(reeve_barrier_waiting(barrier), 0);
	ck_assert_int_eq(reeve_barrier_wait(barrier, 0), -ETIMEDOUT);
	barrier = reeve_barrier_free(barrier);
	end_scenario();
}

/* Whoever had arrived and died has broken it. */
static void settle_alone(bool finished)
{
	bool arrived = reeve_barrier_waiting(barrier) > 0;

	ck_assert(!finished || answers->child == -ETIMEDOUT);
	recover_all();
	ck_assert_int_eq(reeve_barrier_waiting(barrier), 0);
	ck_assert_msg(reeve_barrier_is_broken(barrier) == 1 || !(arrived || finished),
		"%s: the death broke nothing", step_where);
	end_barrier();
}

/* The child was to be the last. Either all went, or nobody. */
static void settle_last(bool finished)
{
	int r;

	recover_all();
	ck_assert_msg(!finished || answers->child == 1, "%s: child %d", step_where, answers->child);
	if (!reeve_barrier_is_broken(barrier) && reeve_barrier_waiting(barrier))
		reeve_barrier_abort(barrier); /* it died before it arrived */
	r = join_sleeper(0);
	ck_assert_msg(
		r == 0 || (r == -EPIPE && !finished), "%s: the sleeper was told %d", step_where, r);
	ck_assert_msg(
		(r == -EPIPE) == reeve_barrier_is_broken(barrier), "%s: not for all", step_where);
	end_barrier();
}

/* Nobody can go. */
static void settle_broken(bool finished)
{
	recover_all();
	if (!finished && !reeve_barrier_is_broken(barrier) && reeve_barrier_waiting(barrier))
		reeve_barrier_abort(barrier);
	ck_assert_int_eq(join_sleeper(0), -EPIPE);
	end_barrier();
}

/* Child and tracer: both or neither, if both came to their ends. */
static void settle_both(bool finished)
{
	if (finished)
		ck_assert_msg((answers->child >= 0) == (answers->tracer >= 0),
			"%s: child %d, tracer %d", step_where, answers->child, answers->tracer);
	recover_all();
	end_barrier();
}

static void settle_dead_arrival(bool finished)
{
	recover_all();
	ck_assert_int_eq(reeve_barrier_is_broken(barrier), 1);
	ck_assert_int_eq(join_sleeper(0), -EPIPE);
	end_barrier();
}

/* The dead had arrived. So it is complete if the tracer came before the sweeper, else broken. */
static void settle_completed_or_broken(bool finished)
{
	bool complete = answers->tracer >= 0;

	recover_all();
	ck_assert_int_eq(reeve_barrier_is_broken(barrier), !complete);
	ck_assert_int_eq(join_sleeper(0), complete ? 1 : -EPIPE);
	end_barrier();
}

static void settle_ended(bool finished)
{
	recover_all();
	ck_assert(!finished || answers->child == -EPIPE || answers->child == -ETIMEDOUT);
	end_barrier();
}

static const struct step_scenario scenarios[] = {
	{ "set", prepare_awaited_event, attach, set_event, NULL, settle_event, arena_memory },
	{ "set and clear", prepare_awaited_event, attach, set_and_clear_event, NULL, settle_event,
		arena_memory },
	{ "wait, another sets", prepare_event, attach, wait_briefly_for_event, set_event_meanwhile,
		settle_waited, arena_memory },
	{ "notify one", prepare_waiters, attach, notify_one, NULL, settle_notified, arena_memory },
	{ "notify all", prepare_waiters, attach, notify_all, NULL, settle_all_notified,
		arena_memory },
	{ "notify, another notifies", prepare_waiters, attach, notify_one, notify_meanwhile,
		settle_twice_notified, arena_memory },
	{ "wait in vain", prepare_waiter, enter_with_lock, wait_briefly, NULL, settle_gone,
		arena_memory },
	{ "wait behind another, another notifies", prepare_waiter, enter_with_lock, wait_briefly,
		notify_meanwhile, settle_one_notification, arena_memory },
	{ "hand on", prepare_dead_notified, attach, recover_in_child, NULL, settle_handed_on,
		arena_memory },
	{ "hand on, another recovers", prepare_dead_notified, attach, recover_in_child,
		recover_meanwhile, settle_handed_on, arena_memory },
	{ "arrive first", prepare_barrier, attach, arrive_briefly, NULL, settle_alone,
		arena_memory },
	{ "arrive last", prepare_awaited_barrier, attach, arrive_briefly, NULL, settle_last,
		arena_memory },
	{ "arrive second of three", prepare_large_barrier, attach, arrive_briefly, NULL,
		settle_broken, arena_memory },
	{ "arrive, another arrives", prepare_barrier, attach, arrive_briefly, arrive_meanwhile,
		settle_both, arena_memory },
	{ "arrive, another aborts", prepare_barrier, attach, arrive_briefly, abort_meanwhile,
		settle_ended, arena_memory },
	{ "arrive, another resets", prepare_barrier, attach, arrive_briefly, reset_meanwhile,
		settle_ended, arena_memory },
	{ "abort", prepare_awaited_barrier, attach, abort_barrier, NULL, settle_broken,
		arena_memory },
	{ "reset", prepare_awaited_barrier, attach, reset_barrier, NULL, settle_broken,
		arena_memory },
	{ "recover an arrival", prepare_dead_arrival, attach, recover_in_child, NULL,
		settle_dead_arrival, arena_memory },
	{ "recover an arrival, another recovers", prepare_dead_arrival, attach, recover_in_child,
		recover_meanwhile, settle_dead_arrival, arena_memory },
	{ "recover an arrival, another arrives", prepare_dead_arrival, attach, recover_in_child,
		arrive_meanwhile, settle_completed_or_broken, arena_memory },
};

KILL_TEST_MAIN("sync wait kill")
