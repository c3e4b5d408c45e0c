/* The sd_notify(3) protocol: one datagram of VARIABLE=value lines to the socket that the service manager named. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "lib/base/cleanup.h"
#include "lib/base/interrupt.h"
#include "lib/base/sys.h"
#include "reeve/daemon.h"
#include "reeve/pipe.h"

/* How long a manager may leave its socket full. */
#define PATIENCE (5 * REEVE_SEC)

/* The address that $NOTIFY_SOCKET names. Returns 1, 0 where it is not set, -EINVAL. */
static int find_manager(struct sockaddr_un *ret, socklen_t *ret_size)
{
	const char *name = secure_getenv("NOTIFY_SOCKET");
	size_t length = name ? strlen(name) : 0;

	if (!length)
		return 0;
	if ((*name != '/' && *name != '@') || length < 2 || length >= sizeof ret->sun_path)
		return -EINVAL;
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret->sun_path, name, length);
	if (*name == '@')
		ret->sun_path[0] = '\0';
	/* An abstract name ends where its size says, a path with a NUL. */
	*ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (*name == '/'));
	return 1;
}

/* Connected, so that poll(2) tells when the receiver has room. */
static int connect_to_manager(int *ret)
{
	CLEANUP_FD int fd = -EBADF;
	struct sockaddr_un manager;
	socklen_t size;
	int r = find_manager(&manager, &size);

	if (r <= 0)
		return r;
	fd = sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (sys_connect(fd, (struct sockaddr *)&manager, size) < 0)
		return -errno;
	*ret = TAKE_FD(fd);
	return 1;
}

static int send_pieces(struct iovec *pieces, size_t count)
{
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = count };
	CLEANUP_FD int fd = -EBADF;
	reeve_nsec deadline;
	int r = connect_to_manager(&fd);

	if (r <= 0)
		return r;
	deadline_from(PATIENCE, &deadline);
	while (sys_sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (errno != EAGAIN)
			return -errno;
		r = wait_fd(fd, POLLOUT, deadline);
		if (r < 0)
			return r;
	}
	return 1;
}

static struct iovec piece(const char *text)
{
	return (struct iovec){ .iov_base = (char *)(uintptr_t)text, .iov_len = strlen(text) };
}

int reeve_notify(const char *state)
{
	struct iovec whole;

	if (!state || !*state)
		return -EINVAL;
	whole = piece(state);
	return send_pieces(&whole, 1);
}

int reeve_notify_ready(void)
{
	return reeve_notify("READY=1");
}

int reeve_notify_stopping(void)
{
	return reeve_notify("STOPPING=1");
}

int reeve_notify_reloading(void)
{
	char state[64];

	snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld",
		(long long)(reeve_now() / REEVE_USEC));
	return reeve_notify(state);
}

int reeve_notify_status(const char *text)
{
	struct iovec pieces[2];

	if (!text || strchr(text, '\n'))
		return -EINVAL;
	pieces[0] = piece("STATUS=");
	pieces[1] = piece(text);
	return send_pieces(pieces, 2);
}

int reeve_notify_main_pid(pid_t pid)
{
	char state[32];

	if (pid <= 0)
		return -EINVAL;
	snprintf(state, sizeof state, "MAINPID=%d", (int)pid);
	return reeve_notify(state);
}

int reeve_notify_watchdog(void)
{
	return reeve_notify("WATCHDOG=1");
}

/* A decimal number from 1 to `max`, and nothing else. */
static int parse_number(const char *text, int64_t max, int64_t *ret)
{
	int64_t value = 0;

	for (; *text >= '0' && *text <= '9'; text++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, *text - '0', &value))
			return -EINVAL;
	}
	if (*text || value < 1 || value > max)
		return -EINVAL;
	*ret = value;
	return 0;
}

int reeve_notify_watchdog_interval(reeve_nsec *ret)
{
	const char *interval = secure_getenv("WATCHDOG_USEC");
	const char *process = secure_getenv("WATCHDOG_PID");
	int64_t usec, pid;

	if (!interval || !*interval)
		return 0;
	if (parse_number(interval, INT64_MAX / REEVE_USEC, &usec) < 0)
		return -EINVAL;
	if (process && *process) {
		if (parse_number(process, INT_MAX, &pid) < 0)
			return -EINVAL;
		if (pid != getpid())
			return 0;
	}
	*ret = usec * REEVE_USEC;
	return 1;
}

int reeve_notify_fd(int fd)
{
	int r = reeve_pipe_write_full(fd, "\n", 1, NULL, PATIENCE);

	close_fd(fd);
	return r;
}
