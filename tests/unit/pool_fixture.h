/* A pool on a loop, and what it told. */
#ifndef TESTS_UNIT_POOL_FIXTURE_H
#define TESTS_UNIT_POOL_FIXTURE_H

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/arena.h"
#include "reeve/loop.h"
#include "reeve/pool.h"
#include "support/harness.h"

/* Longer than anything takes on a busy machine; reached by failing tests alone. */
#define LONG_ENOUGH (40 * REEVE_SEC)
#define NOTICES_MAX 256
#define N_EVENTS (REEVE_POOL_STOPPED + 1)
#define N_REASONS (REEVE_POOL_FINISHED + 1)

static struct reeve_loop *loop;
static struct reeve_pool *pool;
static struct reeve_pool_notice notices[NOTICES_MAX]; /* the first ones */
static unsigned notice_count;
static struct reeve_pool_notice last_notices[N_EVENTS];
static unsigned tally[N_EVENTS][N_REASONS], signalled;

static inline void note(
	struct reeve_pool *which, const struct reeve_pool_notice *notice, void *data)
{
	if (notice_count < NOTICES_MAX)
		notices[notice_count++] = *notice;
	last_notices[notice->event] = *notice;
	tally[notice->event][notice->reason]++;
	signalled +=
		notice->event == REEVE_POOL_ENDED && notice->outcome.how == REEVE_PROCESS_SIGNALLED;
}

static inline void forget_notices(void)
{
	notice_count = signalled = 0;
	memset(tally, 0, sizeof tally);
}

/* How many notices there were of this event, and for which reason (-1: any). */
static inline unsigned told(enum reeve_pool_event event, int reason)
{
	unsigned count = 0;

	for (int i = 0; i < N_REASONS; i++)
		count += reason < 0 || reason == i ? tally[event][i] : 0;
	return count;
}

static inline const struct reeve_pool_notice *last_told(enum reeve_pool_event event)
{
	ck_assert_uint_gt(told(event, -1), 0);
	return &last_notices[event];
}

static inline struct reeve_pool_status status(void)
{
	struct reeve_pool_status now;

	ck_assert_int_eq(reeve_pool_status(pool, &now), 0);
	return now;
}

static inline struct reeve_pool_worker_status worker(unsigned place)
{
	struct reeve_pool_worker_status now;

	ck_assert_int_eq(reeve_pool_worker_get(pool, place, &now), 0);
	return now;
}

/* Run the loop until it is so. What workers do wakes no loop of the master's: so look often. */
#define RUN_UNTIL(condition)                                                                       \
	do {                                                                                       \
		reeve_nsec until_ = reeve_now() + LONG_ENOUGH;                                     \
		while (!(condition)) {                                                             \
			ck_assert_msg(reeve_now() < until_, "never: %s", #condition);              \
			ck_assert_int_ge(reeve_loop_run_once(loop, REEVE_MSEC), 0);                \
		}                                                                                  \
	} while (0)

/* With `told`, unless there is one. */
static inline void start_pool(struct reeve_pool_spec spec)
{
	forget_notices();
	if (!spec.told)
		spec.told = note;
	ck_assert_int_eq(reeve_loop_new(&loop), 0);
	ck_assert_int_eq(reeve_pool_new(loop, &spec, &pool), 0);
}

static inline void free_pool(void)
{
	pool = reeve_pool_free(pool);
	loop = reeve_loop_free(loop);
}

/* Drain it, and see that all have gone. */
static inline void stop_pool(void)
{
	ck_assert_int_eq(reeve_pool_stop(pool), 0);
	RUN_UNTIL(told(REEVE_POOL_STOPPED, -1) > 0);
	ck_assert_uint_eq(status().workers, 0);
	ck_assert_uint_eq(told(REEVE_POOL_STOPPED, -1), 1);
	free_pool();
}

/* A worker that waits to be told to go. */
static inline int idle_until_told(struct reeve_pool_worker *which, void *data)
{
	struct pollfd polled = { .fd = reeve_pool_worker_fd(which), .events = POLLIN };

	while (!reeve_pool_worker_is_leaving(which))
		poll(&polled, 1, -1);
	return 0;
}

static inline struct reeve_pool_spec idle(unsigned workers)
{
	return (struct reeve_pool_spec){ .workers = workers, .run = idle_until_told };
}

static inline bool all_idle(unsigned workers)
{
	struct reeve_pool_status now = status();

	return now.idle == workers && now.workers == workers;
}

/* --- Sockets ---------------------------------------------------------------------------------- */

/* Abstract: nothing to remove, and free again when it is closed. */
static inline int listen_somewhere(struct sockaddr_un *ret)
{
	socklen_t size = sizeof *ret;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(ret, 0, sizeof *ret);
	ret->sun_family = AF_UNIX;
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)ret, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(fd, 1000), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)ret, &size), 0);
	return fd;
}

static inline int call(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* an abstract name of the kernel's choosing: a zero and five digits */
	socklen_t size = sizeof(sa_family_t) + 6;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)address, size), 0);
	return fd;
}

/* Workers that were forked meanwhile have the descriptor, too. */
static inline void hang_up(int fd)
{
	shutdown(fd, SHUT_RDWR);
	close(fd);
}

/* A server that sends back what it gets. */
static struct sockaddr_un address;
static int listener;

static inline void echo(struct reeve_pool_worker *which, int connection, void *data)
{
	char text[256];
	ssize_t size;

	while ((size = read(connection, text, sizeof text)) > 0)
		if (write(connection, text, (size_t)size) != size)
			return;
}

static inline struct reeve_pool_spec echoing(unsigned workers)
{
	listener = listen_somewhere(&address);
	return (struct reeve_pool_spec){
		.workers = workers, .serve = echo, .listen_fd = listener, .young = 1
	};
}

#endif
