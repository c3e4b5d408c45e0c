/* Connections from a socket on which all workers wait.
 *
 * Each waits by an epoll instance of its own, so that the kernel wakes one for a connection and
 * not all (EPOLLEXCLUSIVE). Who is woken and killed before it accepts leaves the connection in the
 * socket's queue; the master then nudges the others by their lifelines, and whoever waits anew
 * finds it there. */
#include <errno.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"
#include "lib/pool/pool.h"

/* How long to let others make room when there are no descriptors or no memory. */
#define PAUSE_MILLISECONDS 50

static int add(int epoll_fd, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	return sys_epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int make_epoll(const struct reeve_pool_worker *worker)
{
	CLEANUP_FD int fd = sys_epoll_create1(EPOLL_CLOEXEC);
	int r = fd < 0 ? -errno : add(fd, worker->lifeline, EPOLLIN);

	if (r == 0)
		r = add(fd, worker->pool->spec.listen_fd, EPOLLIN | EPOLLEXCLUSIVE);
	return r < 0 ? r : TAKE_FD(fd);
}

/* After accept4(2): errors of a connection that came and went are no errors of ours. */
static bool is_passing(int error)
{
	switch (error) {
	case EAGAIN:
	case ECONNABORTED:
	case EINTR:
	case ENETDOWN:
	case EPROTO:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ETIMEDOUT:
	case EPERM: return true; /* the last: a firewall's */
	default: return false;
	}
}

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

static void pause_for_others(const struct reeve_pool_worker *worker)
{
	struct pollfd polled = { .fd = worker->lifeline };
	struct timespec wait = { .tv_nsec = PAUSE_MILLISECONDS * REEVE_MSEC };

	(void)!sys_ppoll(&polled, 1, &wait, NULL);
}

static void answer(struct reeve_pool_worker *worker, int connection)
{
	const struct reeve_pool_spec *spec = &worker->pool->spec;

	worker->taken = false;
	activity_begin(worker);
	spec->serve(worker, connection, spec->data);
	if (!worker->taken)
		close_fd(connection);
	activity_end(worker);
}

/* 0, also where another was faster. */
static int accept_one(struct reeve_pool_worker *worker)
{
	int fd = sys_accept4(worker->pool->spec.listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0) {
		answer(worker, fd);
		return 0;
	}
	if (is_shortage(errno)) {
		pause_for_others(worker);
		return 0;
	}
	return is_passing(errno) ? 0 : -errno;
}

/* Nothing, or the end of the master, is what there is to read. */
static void read_lifeline(struct reeve_pool_worker *worker)
{
	char bytes[64];
	ssize_t size = sys_read(worker->lifeline, bytes, sizeof bytes);

	if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR))
		worker->orphan = true;
}

int worker_serve(struct reeve_pool_worker *worker)
{
	CLEANUP_FD int epoll_fd = make_epoll(worker);
	struct epoll_event event;
	int r = epoll_fd < 0 ? epoll_fd : 0;

	while (r == 0 && !reeve_pool_worker_is_leaving(worker)) {
		int ready = sys_epoll_wait(epoll_fd, &event, 1, -1);

		if (ready < 0 && errno != EINTR)
			r = -errno;
		else if (ready == 1 && event.data.fd == worker->lifeline)
			read_lifeline(worker);
		else if (ready == 1)
			r = accept_one(worker);
	}
	return r;
}
