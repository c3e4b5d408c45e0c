/* Names of arenas under random kills, for some seconds (REEVE_SOAK_SECONDS): processes ask for a
 * name, make it, fork with it, let it go, or clean up, and are killed, stopped and replaced at any
 * moment.
 *
 * The law: whoever has the name at the same time has the same arena. Each writes down which one it
 * has, and then looks at what the others wrote; what one wrote counts unless it may have been dead
 * already. */
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "reeve/process.h"
#include "unit/arena_name_fixture.h"

#define WORKERS 3
#define PATIENCE (30 * REEVE_SEC)

struct worker {
	_Atomic ino_t has;     /* the arena that it has by the name; 0: none */
	_Atomic unsigned life; /* odd while it may be dead; another number each time */
	_Atomic pid_t pid;
};

static struct shared {
	struct worker workers[WORKERS];
	_Atomic unsigned long connected, made, cleaned;
	_Atomic int mistakes;
	char mistake[200];
} * shared;

static void complain(const char *what, long long one, long long other)
{
	if (atomic_fetch_add(&shared->mistakes, 1) == 0)
		snprintf(shared->mistake, sizeof shared->mistake, "%s: %lld, %lld", what, one,
			other);
}

static void compare(unsigned self, ino_t mine)
{
	for (unsigned i = 0; i < WORKERS; i++) {
		struct worker *worker = &shared->workers[i];
		unsigned life = atomic_load(&worker->life);
		ino_t its = i == self ? 0 : atomic_load(&worker->has);

		if (its && its != mine && life % 2 == 0 && atomic_load(&worker->life) == life)
			complain("two arenas at once", (long long)mine, (long long)its);
	}
}

/* A child that keeps the name for a moment. */
static void leave_a_child(unsigned *seed)
{
	if (fork() == 0) {
		for (unsigned pauses = rand_r(seed) % 100; pauses; pauses--)
			sched_yield();
		_exit(0);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void have_it_once(unsigned self, unsigned *seed)
{
	struct reeve_arena *arena;
	struct stat status;
	int r = reeve_arena_connect("soak", &names_spec, PATIENCE, &arena);

	if (r < 0) {
		complain("connect", r, 0);
		return;
	}
	atomic_fetch_add(r ? &shared->made : &shared->connected, 1);
	if (fstat(reeve_arena_fd(arena), &status) < 0)
		complain("fstat", errno, 0);
	atomic_store(&shared->workers[self].has, status.st_ino);
	compare(self, status.st_ino);
	if (rand_r(seed) % 8 == 0)
		leave_a_child(seed);
	atomic_store(&shared->workers[self].has, 0);
	reeve_arena_free(arena);
}

static void work(unsigned self)
{
	unsigned seed = (unsigned)getpid();

	name_directory_parent = names_parent;
	for (;;) {
		have_it_once(self, &seed);
		if (rand_r(&seed) % 16 == 0) {
			int r = reeve_arena_names_clean(PATIENCE);

			if (r < 0)
				complain("clean", r, 0);
			else
				atomic_fetch_add(&shared->cleaned, (unsigned long)r);
		}
	}
}

static void start(unsigned i)
{
	struct worker *worker = &shared->workers[i];
	pid_t pid;

	atomic_store(&worker->has, 0);
	atomic_fetch_add(&worker->life, 1);
	pid = fork();
	MUST(pid >= 0);
	if (pid == 0)
		work(i);
	atomic_store(&worker->pid, pid);
}

static void end(unsigned i)
{
	struct worker *worker = &shared->workers[i];

	atomic_fetch_add(&worker->life, 1);
	kill_and_reap(atomic_load(&worker->pid));
}

static reeve_nsec seconds(void)
{
	const char *text = getenv("REEVE_SOAK_SECONDS");
	long found = text ? strtol(text, NULL, 10) : 0;

	return (found > 0 ? found : 3) * REEVE_SEC;
}

/* Orphans, which come to us. */
static void reap_children(void)
{
	while (waitpid(-1, NULL, 0) > 0)
		;
}

START_TEST(who_has_the_name_at_the_same_time_has_the_same_arena)
{
	reeve_nsec until = reeve_now() + seconds();
	unsigned seed = (unsigned)getpid(), kills = 0;
	struct reeve_arena *arena = NULL;

	shared = mmap(
		NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_int_eq(reeve_process_set_subreaper(true), 0);
	for (unsigned i = 0; i < WORKERS; i++) {
		atomic_store(&shared->workers[i].life, 1);
		start(i);
	}
	while (reeve_now() < until && atomic_load(&shared->mistakes) == 0) {
		unsigned i = (unsigned)rand_r(&seed) % WORKERS;

		for (unsigned pauses = (unsigned)rand_r(&seed) % 4; pauses; pauses--)
			sched_yield();
		if (rand_r(&seed) % 4 == 0) {
			kill(atomic_load(&shared->workers[i].pid), SIGSTOP);
			sched_yield();
			kill(atomic_load(&shared->workers[i].pid), SIGCONT);
			continue;
		}
		end(i);
		start(i);
		kills++;
	}
	for (unsigned i = 0; i < WORKERS; i++)
		end(i);
	reap_children();
	printf("# %u kills; made %lu times, connected %lu times, %lu files of the dead removed\n",
		kills, atomic_load(&shared->made), atomic_load(&shared->connected),
		atomic_load(&shared->cleaned));
	fflush(stdout);
	ck_assert_msg(atomic_load(&shared->mistakes) == 0, "%s", shared->mistake);
	ck_assert_uint_gt(kills, 0);
	ck_assert_uint_gt(atomic_load(&shared->made), 0);
	ck_assert_int_eq(reeve_arena_connect("soak", &names_spec, 0, &arena), 1);
	reeve_arena_free(arena);
	ck_assert_int_eq(names_files(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arena name soak");
	TCase *tcase = leakproof_case("arena name soak");

	case_takes(tcase, (unsigned long)(seconds() / REEVE_SEC));
	tcase_add_checked_fixture(tcase, names_begin, names_end);
	tcase_add_test(tcase, who_has_the_name_at_the_same_time_has_the_same_arena);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
