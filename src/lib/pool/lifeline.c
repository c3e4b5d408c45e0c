/* Master and worker have a pair of sockets, the lifeline. What the master says by it are bytes
 * without a meaning: look what has changed. And when the master is gone its end is closed, which the
 * worker cannot miss; unless somebody else has that end, too. So whatever the master forks closes,
 * before it runs anything of its own, all that it inherited of them: workers of this and of other
 * pools, and children that have nothing to do with any. */
#include <errno.h>
#include <pthread.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"
#include "lib/pool/pool.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct list pools = { &pools, &pools };

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void after_fork_in_parent(void)
{
	pthread_mutex_unlock(&lock);
}

static void after_fork_in_child(void)
{
	for (struct list *link = pools.next; link != &pools; link = link->next) {
		struct reeve_pool *pool = LIST_ENTRY(link, struct reeve_pool, link);

		for (unsigned i = 0; i < pool->places_max; i++)
			pool->places[i].lifeline = close_fd(pool->places[i].lifeline);
	}
	/* The child's pools are its own. */
	list_init(&pools);
	pthread_mutex_unlock(&lock);
}

static int watch_forks(void)
{
	static bool watching;
	int error = 0;

	if (!watching)
		error = sys_pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
	watching = !error;
	return -error;
}

int lifelines_begin(struct reeve_pool *pool)
{
	int r;

	pthread_mutex_lock(&lock);
	r = watch_forks();
	if (r == 0)
		list_append(&pools, &pool->link);
	pthread_mutex_unlock(&lock);
	return r;
}

void lifelines_end(struct reeve_pool *pool)
{
	pthread_mutex_lock(&lock);
	list_remove(&pool->link);
	pthread_mutex_unlock(&lock);
}

int lifeline_open(struct place *place)
{
	int ends[2];

	if (sys_socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	place->lifeline = ends[0];
	return ends[1];
}

void lifeline_nudge(const struct place *place)
{
	char byte = 0;
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	/* Full: it has enough to read. Broken: it has ended. */
	(void)!sys_sendmsg(place->lifeline, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}
