/* A worker of a pool, killed at every instruction of its work: waiting for a message, handling it,
 * being done with it; accepting a connection and answering it; and who recovers what it left.
 *
 * What has to hold afterwards: each message is in the queue still, or its result is there; each
 * connection is answered, broken off, or accepted by the next worker; the row is nobody's. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kill/step.h"
#include "lib/pool/pool.h"
#include "reeve/queue.h"
#include "support/harness.h"

#define MESSAGES 2u
#define PLACES 3u

static struct reeve_arena *arena;
static struct reeve_queue *jobs, *results;
static struct reeve_pool pool;
static struct reeve_pool_worker worker;
static int lifeline[2];
static int listener = -1, client = -1;

static const void *memory(size_t *ret_size)
{
	*ret_size = (size_t)arena->size;
	return arena->base;
}

static void make_table(void)
{
	struct arena_object object;

	ck_assert_int_eq(arena_object_new(arena, ARENA_TYPE_POOL, "pool", pool_table_size(1), NULL,
				 NULL, 0, &object),
		0);
	pool.arena = arena;
	pool.table = object.memory;
	pool.places_max = 1;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, lifeline), 0);
	worker = (struct reeve_pool_worker){
		.pool = &pool,
		.row = &pool.table->rows[0],
		.arena = arena,
		.lifeline = lifeline[1],
		.limit = 1,
	};
}

static void prepare(void)
{
	struct reeve_arena_spec arena_spec = { .size = 8192, .participants = PLACES, .objects = 4 };
	struct reeve_queue_spec spec = { .capacity = MESSAGES + 1,
		.message_max = sizeof(unsigned),
		.on_death = REEVE_QUEUE_REDELIVER };

	ck_assert_int_eq(reeve_arena_new(&arena_spec, &arena), 0);
	ck_assert_int_eq(reeve_queue_new(arena, "jobs", &spec, 0, &jobs), 0);
	spec.capacity = 2 * MESSAGES;
	ck_assert_int_eq(reeve_queue_new(arena, "results", &spec, 0, &results), 0);
	pool = (struct reeve_pool){ .freed = NULL };
	make_table();
	for (unsigned i = 0; i < MESSAGES; i++)
		ck_assert_int_eq(reeve_queue_put(jobs, &i, sizeof i, 0), 0);
}

static void release(void)
{
	close(lifeline[0]);
	close(lifeline[1]);
	jobs = reeve_queue_free(jobs);
	results = reeve_queue_free(results);
	arena = reeve_arena_free(arena);
}

static void check_recovered(void)
{
	int r = reeve_arena_recover(arena, 0);

	ck_assert_msg(r >= 0, "%s: recover: %d", step_where, r);
	ck_assert_msg(
		atomic_load(&worker.row->owner) == 0, "%s: the row is still owned", step_where);
}

/* --- Messages --------------------------------------------------------------------------------- */

static int repeat(struct reeve_pool_worker *which, const void *message, size_t size, void *data)
{
	return reeve_queue_put(results, message, size, 0);
}

static void attach(void)
{
	int self = reeve_arena_attach(arena, "worker");

	pool.spec = (struct reeve_pool_spec){ .handle = repeat, .queue = jobs, .arena = arena };
	if (self < 0)
		_exit(1);
	atomic_store(&worker.row->owner, (uint32_t)self);
}

static void handle_one(void)
{
	(void)worker_handle(&worker);
}

/* How often each message is in the queue, which is empty afterwards. */
static void drain(struct reeve_queue *queue, unsigned *counts)
{
	unsigned number;
	int r;

	while ((r = reeve_queue_get(queue, &number, sizeof number, 0, NULL)) == 0) {
		ck_assert_msg(number < MESSAGES, "%s: message %u", step_where, number);
		counts[number]++;
	}
	ck_assert_msg(r == -ETIMEDOUT, "%s: get: %d", step_where, r);
}

static void settle_messages(bool finished)
{
	unsigned left[MESSAGES] = { 0 }, done[MESSAGES] = { 0 };

	check_recovered();
	drain(jobs, left);
	drain(results, done);
	ck_assert_msg(!finished || (left[0] == 0 && done[0] == 1),
		"%s: finished, and left %u, done %u", step_where, left[0], done[0]);
	ck_assert_msg(left[0] + done[0] == 1 || (left[0] == 1 && done[0] == 1),
		"%s: the first message is left %u times, done %u times", step_where, left[0],
		done[0]);
	ck_assert_msg(left[1] == 1 && done[1] == 0, "%s: the second one is lost", step_where);
	for (unsigned i = 0; i < MESSAGES + 1; i++)
		ck_assert_msg(reeve_queue_put(jobs, &i, sizeof i, 0) == 0, "%s: no room for %u",
			step_where, i);
	release();
}

/* --- Connections ------------------------------------------------------------------------------ */

static void answer(struct reeve_pool_worker *which, int connection, void *data)
{
	char byte;

	if (read(connection, &byte, 1) == 1)
		(void)!write(connection, &byte, 1);
}

static void prepare_connection(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t size = sizeof address;

	prepare();
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(listener, 8), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(write(client, "a", 1), 1);
}

static void attach_server(void)
{
	attach();
	pool.spec = (struct reeve_pool_spec){ .serve = answer, .listen_fd = listener };
	close(client);
}

static void serve_one(void)
{
	(void)worker_serve(&worker);
}

static bool client_has_something(void)
{
	struct pollfd polled = { .fd = client, .events = POLLIN };

	return poll(&polled, 1, 0) == 1;
}

/* The next worker in the same place. */
static void serve_by_another(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		atomic_store(&worker.row->requests, 0);
		attach_server();
		serve_one();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}

static void settle_connection(bool finished)
{
	char byte = 0;

	check_recovered();
	ck_assert_msg(!finished || client_has_something(), "%s: finished, unanswered", step_where);
	if (!client_has_something())
		serve_by_another();
	ck_assert_msg(client_has_something(), "%s: the connection is forgotten", step_where);
	ck_assert_msg(!finished || (read(client, &byte, 1) == 1 && byte == 'a'), "%s: answered %d",
		step_where, byte);
	close(client);
	close(listener);
	check_recovered();
	release();
}

/* --- Recovery --------------------------------------------------------------------------------- */

/* A worker that is dead, and a master that is not. */
static void prepare_dead_worker(void)
{
	prepare();
	atomic_store(&arena_slot(arena, 2)->word, slot_word(SLOT_TAKEN, 0, 1));
	atomic_store(&worker.row->owner, 2);
	atomic_store(&pool.table->header.owner, PLACES);
}

static void recover(void)
{
	(void)reeve_arena_recover(arena, 0);
}

static void settle_dead_worker(bool finished)
{
	check_recovered();
	ck_assert_msg(atomic_load(&pool.table->header.owner) == PLACES,
		"%s: the master was taken for dead", step_where);
	release();
}

/* --- All -------------------------------------------------------------------------------------- */

static const struct step_scenario scenarios[] = {
	{ "handle a message", prepare, attach, handle_one, NULL, settle_messages, memory },
	{ "serve a connection", prepare_connection, attach_server, serve_one, NULL,
		settle_connection, memory },
	{ "recover a dead worker's row", prepare_dead_worker, NULL, recover, NULL,
		settle_dead_worker, memory },
};

#define N_SCENARIOS ((int)(sizeof scenarios / sizeof *scenarios))

START_TEST(killed_at_every_instruction)
{
	struct step_tally tally = step_kill_everywhere(&scenarios[_i]);

	printf("# %s: killed at each of %u instructions, %u places\n", scenarios[_i].name,
		tally.instructions, tally.places);
	fflush(stdout);
	ck_assert_uint_gt(tally.places, 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pool kill");
	TCase *tcase = leakproof_case("pool kill");

	if (!step_allowed()) {
		puts("1..0 # SKIP this process may not trace its children (ptrace(2))");
		return 0;
	}
	tcase_add_loop_test(tcase, killed_at_every_instruction, 0, N_SCENARIOS);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
