/* Names of arenas, killed at every instruction of giving, asking for, taking away and cleaning;
 * and with another process at work at each of them.
 *
 * What has to hold: a name whose holders are dead is gone, and can be had anew; one that somebody
 * holds who lives leads to his arena, whatever else happened; and the only files that are left in
 * the end are those of living names. */
#include <sys/mman.h>

#include "kill/step.h"
#include "unit/arena_name_fixture.h"

#define NAME "jobs"

static struct reeve_arena *mine, *others;
static bool lives; /* the tracer holds the name, and nobody took it away */

static struct answers {
	int child, tracer;
} * answers;

static const void *memory(size_t *ret_size)
{
	*ret_size = sizeof *answers;
	return answers;
}

static void prepare(void)
{
	*answers = (struct answers){ -ECANCELED, -ECANCELED };
	mine = others = NULL;
	lives = false;
}

static void prepare_unnamed(void)
{
	prepare();
	mine = small_arena(8, 4);
}

/* `number` tells whose arena it is. */
static void prepare_living(void)
{
	prepare();
	mine = published(NAME);
	atomic_store(number_in(mine), 7);
	lives = true;
}

static void die_with_a_name(struct reeve_arena *arena)
{
	ck_assert_int_eq(reeve_arena_publish(arena, NAME, 0), 0);
}

static void prepare_dead(void)
{
	prepare_unnamed();
	kill_and_reap(start_participant(mine, die_with_a_name));
	ck_assert_int_eq(names_files(), 1);
}

/* The name leads to the arena that `arena` is a handle of. */
static void check_leads_to(struct reeve_arena *arena)
{
	struct reeve_arena *found = NULL;
	int r = reeve_arena_connect(NAME, NULL, 0, &found);

	ck_assert_msg(r == 0, "%s: connect: %d", step_where, r);
	atomic_store(number_in(arena), 8);
	ck_assert_msg(
		atomic_load(number_in(found)) == 8, "%s: it leads to another arena", step_where);
	reeve_arena_free(found);
}

/* Nobody has the name: it is there to be had. */
static void check_free(void)
{
	struct reeve_arena *made = NULL;
	int r = reeve_arena_connect(NAME, &names_spec, 0, &made);

	ck_assert_msg(r == 1, "%s: making it: %d", step_where, r);
	check_leads_to(made);
	reeve_arena_free(made);
}

static void settle(bool finished)
{
	ck_assert_msg(!finished || answers->child >= 0, "%s: the child was answered %d", step_where,
		answers->child);
	if (others)
		check_leads_to(others);
	else if (lives)
		check_leads_to(mine);
	others = reeve_arena_free(others);
	mine = reeve_arena_free(mine);
	check_free();
	ck_assert_msg(names_files() == 0, "%s: %d files are left", step_where, names_files());
}

/* Taken away wholly or not at all; what another made since is his. */
static void settle_taken_away(bool finished)
{
	struct reeve_arena *found = NULL;
	int r;

	if (answers->tracer != 1) {
		others = reeve_arena_free(others); /* it is the same as `mine` */
		r = reeve_arena_connect(NAME, NULL, 0, &found);
		ck_assert_msg(finished ? r == -ENOENT : r == 0 || r == -ENOENT, "%s: connect: %d",
			step_where, r);
		lives = r == 0;
		reeve_arena_free(found);
	}
	settle(finished);
}

/* Of two that ask for it, one made it, unless one found the other at it. */
static void settle_made_once(bool finished)
{
	if (finished && answers->tracer >= 0)
		ck_assert_msg(answers->child + answers->tracer == 1, "%s: made by %d", step_where,
			answers->child + answers->tracer);
	settle(finished);
}

/* Of two that give the name to two arenas, one was refused. */
static void settle_given_once(bool finished)
{
	if (finished && answers->tracer == 0)
		ck_assert_msg(answers->child == -EEXIST, "%s: given twice", step_where);
	if (answers->child == -EEXIST)
		answers->child = 0;
	settle(finished);
}

/* --- What the child does ---------------------------------------------------------------------- */

static void publish(void)
{
	answers->child = reeve_arena_publish(mine, NAME, REEVE_FOREVER);
}

static void connect_or_make(void)
{
	struct reeve_arena *arena;

	answers->child = reeve_arena_connect(NAME, &names_spec, REEVE_FOREVER, &arena);
}

static struct reeve_arena *childs;

static void hold(void)
{
	reeve_arena_free(mine);
	ck_assert_int_eq(reeve_arena_connect(NAME, &names_spec, 0, &childs), 1);
}

static void let_go(void)
{
	reeve_arena_free(childs);
	answers->child = 0;
}

static void take_away(void)
{
	answers->child = reeve_arena_unpublish(NAME, REEVE_FOREVER);
}

static void clean(void)
{
	answers->child = reeve_arena_names_clean(REEVE_FOREVER);
}

/* --- What the tracer does meanwhile ----------------------------------------------------------- */

static void connect_too(void)
{
	int r = reeve_arena_connect(NAME, &names_spec, 0, &others);

	answers->tracer = r;
	ck_assert_msg(r >= 0 || r == -ETIMEDOUT, "%s: connect: %d", step_where, r);
}

static void publish_too(void)
{
	struct reeve_arena *arena = small_arena(8, 4);
	int r = reeve_arena_publish(arena, NAME, 0);

	answers->tracer = r;
	ck_assert_msg(r == 0 || r == -ETIMEDOUT || r == -EEXIST, "%s: publish: %d", step_where, r);
	if (r == 0)
		others = arena;
	else
		reeve_arena_free(arena);
}

static void clean_too(void)
{
	int r = reeve_arena_names_clean(0);

	ck_assert_msg(r >= 0 || r == -ETIMEDOUT, "%s: clean: %d", step_where, r);
}

static const struct step_scenario scenarios[] = {
	{ "publish", prepare_unnamed, NULL, publish, NULL, settle, memory },
	{ "publish where it died", prepare_dead, NULL, publish, NULL, settle, memory },
	{ "make", prepare, NULL, connect_or_make, NULL, settle, memory },
	{ "make where it died", prepare_dead, NULL, connect_or_make, NULL, settle, memory },
	{ "connect", prepare_living, NULL, connect_or_make, NULL, settle, memory },
	{ "let go", prepare_unnamed, hold, let_go, NULL, settle, memory },
	{ "take away", prepare_living, NULL, take_away, NULL, settle_taken_away, memory },
	{ "clean", prepare_dead, NULL, clean, NULL, settle, memory },
	{ "clean what lives", prepare_living, NULL, clean, NULL, settle, memory },
	{ "publish, another publishes", prepare_unnamed, NULL, publish, publish_too,
		settle_given_once, memory },
	{ "make, another makes", prepare, NULL, connect_or_make, connect_too, settle_made_once,
		memory },
	{ "make where it died, another makes", prepare_dead, NULL, connect_or_make, connect_too,
		settle_made_once, memory },
	{ "make, another cleans", prepare, NULL, connect_or_make, clean_too, settle, memory },
	{ "let go, another connects", prepare_unnamed, hold, let_go, connect_too, settle, memory },
	{ "take away, another connects", prepare_living, NULL, take_away, connect_too,
		settle_taken_away, memory },
	{ "clean, another makes", prepare_dead, NULL, clean, connect_too, settle, memory },
};

#define N_SCENARIOS ((int)(sizeof scenarios / sizeof *scenarios))

static void set_up(void)
{
	answers = mmap(
		NULL, sizeof *answers, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void tell(const char *how, const struct step_scenario *scenario, struct step_tally tally)
{
	printf("# %s: %s at each of %u instructions, %u places\n", scenario->name, how,
		tally.instructions, tally.places);
	fflush(stdout);
	ck_assert_uint_gt(tally.places, 0);
}

START_TEST(killed_at_every_instruction)
{
	set_up();
	tell("killed", &scenarios[_i], step_kill_everywhere(&scenarios[_i]));
}
END_TEST

START_TEST(preempted_at_every_instruction)
{
	if (!scenarios[_i].meanwhile)
		return;
	set_up();
	tell("preempted", &scenarios[_i], step_pause_everywhere(&scenarios[_i]));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arena name kill");
	TCase *tcase = leakproof_case("arena name kill");

	if (!step_allowed()) {
		puts("1..0 # SKIP this process may not trace its children (ptrace(2))");
		return 0;
	}
	tcase_add_checked_fixture(tcase, names_begin, names_end);
	tcase_add_loop_test(tcase, killed_at_every_instruction, 0, N_SCENARIOS);
	tcase_add_loop_test(tcase, preempted_at_every_instruction, 0, N_SCENARIOS);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
