#include <sched.h>
#include <stdio.h>
#include <time.h>

#include "lib/arena/proc_stat.h"
#include "reeve/heartbeat.h"
#include "unit/arena_fixture.h"

#define LIMIT (60 * REEVE_MSEC)

static void tick(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = LIMIT / 6 }, NULL);
}

static enum reeve_heartbeat_verdict check(struct reeve_heartbeat_watch *watch, unsigned number)
{
	struct reeve_heartbeat_report report;

	ck_assert_int_eq(reeve_heartbeat_check(watch, number, &report), 0);
	return report.verdict;
}

/* Look, six times a limit, until the verdict is this one; `never` must not come meanwhile. */
static void look_until(struct reeve_heartbeat_watch *watch, unsigned number,
	enum reeve_heartbeat_verdict wanted, enum reeve_heartbeat_verdict never)
{
	enum reeve_heartbeat_verdict verdict;

	while ((verdict = check(watch, number)) != wanted) {
		ck_assert_str_ne(
			reeve_heartbeat_verdict_name(verdict), reeve_heartbeat_verdict_name(never));
		tick();
	}
}

START_TEST(bad_requests_have_each_their_error)
{
	struct reeve_arena *arena = small_arena(2, 4);
	struct reeve_heartbeat_watch *watch = NULL;
	struct reeve_heartbeat_report report;

	ck_assert_int_eq(reeve_heartbeat_watch_new(NULL, LIMIT, &watch), -EFAULT);
	ck_assert_int_eq(reeve_heartbeat_watch_new(arena, LIMIT, NULL), -EFAULT);
	ck_assert_int_eq(reeve_heartbeat_watch_new(arena, 0, &watch), -EINVAL);
	ck_assert_int_eq(reeve_heartbeat_watch_new(arena, -1, &watch), -EINVAL);
	ck_assert_int_eq(reeve_heartbeat_watch_new(arena, LIMIT, &watch), 0);
	ck_assert_int_eq(reeve_heartbeat_check(NULL, 1, &report), -EFAULT);
	ck_assert_int_eq(reeve_heartbeat_check(watch, 1, NULL), -EFAULT);
	ck_assert_int_eq(reeve_heartbeat_check(watch, 0, &report), -ERANGE);
	ck_assert_int_eq(reeve_heartbeat_check(watch, 3, &report), -ERANGE);
	ck_assert_int_eq(reeve_heartbeat_say(NULL, REEVE_HEARTBEAT_BUSY, NULL), -EFAULT);
	ck_assert_int_eq(reeve_heartbeat_say(arena, (enum reeve_heartbeat_state)9, NULL), -EINVAL);
	ck_assert_str_eq(reeve_heartbeat_verdict_name(REEVE_HEARTBEAT_HUNG), "hung");
	ck_assert_str_eq(reeve_heartbeat_verdict_name((enum reeve_heartbeat_verdict)77), "unknown");
	ck_assert_ptr_null(reeve_heartbeat_watch_free(watch));
	ck_assert_ptr_null(reeve_heartbeat_watch_free(NULL));
	reeve_arena_free(arena);
}
END_TEST

START_TEST(what_a_worker_says_is_read)
{
	struct reeve_arena *arena = small_arena(2, 4);
	struct reeve_heartbeat_watch *watch;
	struct reeve_heartbeat_report report;
	char longer[100];

	memset(longer, 'x', sizeof longer);
	longer[99] = '\0';
	ck_assert_int_eq(reeve_heartbeat_watch_new(arena, LIMIT, &watch), 0);
	reeve_heartbeat_beat(arena); /* for nobody */
	ck_assert_int_eq(check(watch, 1), REEVE_HEARTBEAT_ABSENT);
	ck_assert_int_eq(reeve_heartbeat_say(arena, REEVE_HEARTBEAT_BUSY, "job 7"), 0);
	reeve_heartbeat_beat(arena);
	ck_assert_int_eq(reeve_heartbeat_check(watch, 1, &report), 0);
	ck_assert_int_eq(report.verdict, REEVE_HEARTBEAT_BEATING);
	ck_assert_int_eq(report.pid, getpid());
	ck_assert_uint_eq(report.beats, 2);
	ck_assert_int_eq(report.state, REEVE_HEARTBEAT_BUSY);
	ck_assert_str_eq(report.text, "job 7");
	ck_assert_int_eq(reeve_heartbeat_say(arena, REEVE_HEARTBEAT_STOPPING, longer), 0);
	ck_assert_int_eq(reeve_heartbeat_check(watch, 1, &report), 0);
	ck_assert_uint_eq(strlen(report.text), REEVE_HEARTBEAT_TEXT_MAX);
	ck_assert_int_eq(reeve_arena_detach(arena, 0), 0);
	reeve_heartbeat_beat(arena);
	ck_assert_int_eq(check(watch, 1), REEVE_HEARTBEAT_ABSENT);
	reeve_heartbeat_watch_free(watch);
	reeve_arena_free(arena);
}
END_TEST

static int beat_unasked(struct reeve_arena *arena)
{
	reeve_heartbeat_beat(arena);
	return 0;
}

START_TEST(a_child_does_not_beat_for_its_parent)
{
	struct reeve_arena *arena = small_arena(2, 4);
	struct reeve_heartbeat_watch *watch;
	struct reeve_heartbeat_report report;

	ck_assert_int_eq(reeve_heartbeat_watch_new(arena, LIMIT, &watch), 0);
	ck_assert_int_eq(reeve_arena_attach(arena, NULL), 1);
	ck_assert_int_eq(in_child(beat_unasked, arena), 0);
	ck_assert_int_eq(reeve_heartbeat_check(watch, 1, &report), 0);
	ck_assert_uint_eq(report.beats, 0);
	reeve_heartbeat_watch_free(watch);
	reeve_arena_free(arena);
}
END_TEST

START_TEST(a_silent_worker_is_hung_and_a_killed_one_dead)
{
	struct reeve_arena *arena = small_arena(2, 4);
	struct reeve_heartbeat_watch *watch;
	struct reeve_heartbeat_report report;
	pid_t worker = start_participant(arena, NULL);

	ck_assert_int_eq(reeve_heartbeat_watch_new(arena, LIMIT, &watch), 0);
	ck_assert_int_eq(check(watch, 1), REEVE_HEARTBEAT_BEATING);
	look_until(watch, 1, REEVE_HEARTBEAT_HUNG, REEVE_HEARTBEAT_DEAD);
	ck_assert_int_eq(reeve_heartbeat_check(watch, 1, &report), 0);
	ck_assert_int_ge(report.silence - report.deprived, LIMIT);
	ck_assert_int_eq(report.scheduler, 'S');
	kill_and_reap(worker);
	ck_assert_int_eq(check(watch, 1), REEVE_HEARTBEAT_DEAD);
	ck_assert_int_eq(reeve_arena_recover(arena, 0), 1);
	ck_assert_int_eq(check(watch, 1), REEVE_HEARTBEAT_ABSENT);
	/* The next one there begins with a clean record. */
	worker = start_participant(arena, NULL);
	ck_assert_int_eq(check(watch, 1), REEVE_HEARTBEAT_BEATING);
	kill_and_reap(worker);
	reeve_heartbeat_watch_free(watch);
	reeve_arena_free(arena);
}
END_TEST

START_TEST(a_stopped_worker_is_not_hung_and_has_its_time_when_it_goes_on)
{
	struct reeve_arena *arena = small_arena(2, 4);
	struct reeve_heartbeat_watch *watch;
	pid_t worker = start_participant(arena, NULL);
	reeve_nsec continued;
	int status;

	ck_assert_int_eq(reeve_heartbeat_watch_new(arena, LIMIT, &watch), 0);
	ck_assert_int_eq(kill(worker, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(worker, &status, WUNTRACED), worker);
	for (reeve_nsec start = reeve_now(); reeve_now() - start < 3 * LIMIT; tick())
		ck_assert_int_eq(check(watch, 1), REEVE_HEARTBEAT_STOPPED);
	continued = reeve_now();
	ck_assert_int_eq(kill(worker, SIGCONT), 0);
	look_until(watch, 1, REEVE_HEARTBEAT_HUNG, REEVE_HEARTBEAT_DEAD);
	ck_assert_int_ge(reeve_now() - continued, LIMIT);
	kill_and_reap(worker);
	reeve_heartbeat_watch_free(watch);
	reeve_arena_free(arena);
}
END_TEST

START_TEST(an_observer_that_stood_still_accuses_nobody)
{
	struct reeve_arena *arena = small_arena(2, 4);
	struct reeve_heartbeat_watch *watch;
	pid_t worker = start_participant(arena, NULL);

	ck_assert_int_eq(reeve_heartbeat_watch_new(arena, LIMIT, &watch), 0);
	ck_assert_int_eq(check(watch, 1), REEVE_HEARTBEAT_BEATING);
	nanosleep(&(struct timespec){ .tv_nsec = 3 * LIMIT }, NULL);
	ck_assert_int_eq(check(watch, 1), REEVE_HEARTBEAT_STARVED);
	kill_and_reap(worker);
	reeve_heartbeat_watch_free(watch);
	reeve_arena_free(arena);
}
END_TEST

static void pin(void)
{
	cpu_set_t all, one;
	int cpu = 0;

	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof all, &all) < 0)
		_exit(1);
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof one, &one) < 0)
		_exit(1);
}

/* Runs when nobody else wants to: attach and then spin without a beat. */
static pid_t start_lowest(struct reeve_arena *arena)
{
	pid_t pid = fork();

	if (pid == 0) {
		pin();
		if (reeve_arena_attach(arena, "lowest") < 0 ||
			sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 }) < 0)
			_exit(1);
		for (;;)
			;
	}
	return pid;
}

/* Returns when it has the processor. */
static pid_t start_hog(void)
{
	int told[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(told), 0);
	pid = fork();
	if (pid == 0) {
		pin();
		if (write(told[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			;
	}
	close(told[1]);
	ck_assert_int_eq(read(told[0], &byte, 1), 1);
	close(told[0]);
	return pid;
}

START_TEST(one_that_the_machine_starves_is_not_accused)
{
	struct reeve_arena *arena = small_arena(2, 4);
	struct reeve_heartbeat_watch *watch;
	pid_t worker = start_lowest(arena), hog;
	struct proc_stat stat;
	bool starved = false;

	while (state_of(arena, 1) != REEVE_ARENA_ALIVE)
		tick();
	hog = start_hog();
	if (proc_stat_read(worker, worker, &stat) == 0 && stat.ran >= 0) {
		ck_assert_int_eq(reeve_heartbeat_watch_new(arena, LIMIT, &watch), 0);
		for (reeve_nsec start = reeve_now(); !starved || reeve_now() - start < 5 * LIMIT;
			tick()) {
			enum reeve_heartbeat_verdict verdict = check(watch, 1);

			ck_assert_int_ne(verdict, REEVE_HEARTBEAT_HUNG);
			starved |= verdict == REEVE_HEARTBEAT_STARVED;
		}
		reeve_heartbeat_watch_free(watch);
	}
	kill_and_reap(hog);
	kill_and_reap(worker);
	reeve_arena_free(arena);
}
END_TEST

START_TEST(a_name_may_hold_anything)
{
	char state;
	uint64_t start;

	ck_assert_int_eq(
		proc_stat_parse(
			"7 (a) R (b) ) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 4711 23\n",
			&state, &start),
		0);
	ck_assert_int_eq(state, 'S');
	ck_assert_uint_eq(start, 4711);
	ck_assert_int_eq(proc_stat_parse("", &state, &start), -EBADMSG);
	ck_assert_int_eq(proc_stat_parse("7 (x)", &state, &start), -EBADMSG);
	ck_assert_int_eq(proc_stat_parse("7 (x) ", &state, &start), -EBADMSG);
	ck_assert_int_eq(proc_stat_parse("7 (x) S 4 5 6", &state, &start), -EBADMSG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("heartbeat");
	TCase *tcase = leakproof_case("heartbeat");

	tcase_add_test(tcase, bad_requests_have_each_their_error);
	tcase_add_test(tcase, what_a_worker_says_is_read);
	tcase_add_test(tcase, a_child_does_not_beat_for_its_parent);
	tcase_add_test(tcase, a_silent_worker_is_hung_and_a_killed_one_dead);
	tcase_add_test(tcase, a_stopped_worker_is_not_hung_and_has_its_time_when_it_goes_on);
	tcase_add_test(tcase, an_observer_that_stood_still_accuses_nobody);
	tcase_add_test(tcase, one_that_the_machine_starves_is_not_accused);
	tcase_add_test(tcase, a_name_may_hold_anything);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
