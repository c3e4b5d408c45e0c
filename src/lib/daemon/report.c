#include "lib/daemon/report.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "lib/base/cleanup.h"
#include "lib/base/interrupt.h"
#include "lib/base/sys.h"

int report_send(int fd, const struct report_packet *packet)
{
	struct iovec whole = {
		.iov_base = (char *)(uintptr_t)packet,
		.iov_len = sizeof *packet,
	};
	struct msghdr message = { .msg_iov = &whole, .msg_iovlen = 1 };

	if (sys_sendmsg(fd, &message, MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == EPIPE || errno == ECONNRESET ? 0 : -errno;
}

static bool is_valid(const struct report_packet *packet, ssize_t size)
{
	if (size != sizeof *packet || packet->pid < 0)
		return false;
	switch (packet->kind) {
	case REPORT_STARTED: return true;
	case REPORT_FAILED:
		return packet->value > 0 && packet->step > REEVE_DAEMON_STEP_NONE &&
			packet->step <= REEVE_DAEMON_STEP_DESCRIPTORS;
	case REPORT_STATUS: return packet->value >= 0 && packet->value <= 255;
	default: return false;
	}
}

int report_receive(int fd, reeve_nsec deadline, struct report_packet *ret)
{
	struct iovec whole = { .iov_base = ret, .iov_len = sizeof *ret };
	struct msghdr message = { .msg_iov = &whole, .msg_iovlen = 1 };
	ssize_t size;
	int r = wait_fd(fd, POLLIN, deadline);

	if (r < 0)
		return r;
	size = sys_recvmsg(fd, &message, MSG_DONTWAIT);
	if (size < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (size == 0)
		return -EPIPE;
	if (!is_valid(ret, size))
		return -EBADMSG;
	ret->text[sizeof ret->text - 1] = '\0';
	return 0;
}

int reeve_daemon_report(struct reeve_daemon *daemon, int status, const char *message)
{
	struct report_packet packet = {
		.kind = REPORT_STATUS,
		.pid = getpid(),
		.value = status,
	};
	int r;

	if (status < 0 || status > 255)
		return -EINVAL;
	if (daemon->fd < 0)
		return -EALREADY;
	if (message)
		memcpy(packet.text, message, strnlen(message, sizeof packet.text - 1));
	r = report_send(daemon->fd, &packet);
	if (r < 0)
		return r;
	daemon->fd = close_fd(daemon->fd);
	return 0;
}

struct reeve_daemon *reeve_daemon_free(struct reeve_daemon *daemon)
{
	if (!daemon)
		return NULL;
	close_fd(daemon->fd);
	free(daemon);
	return NULL;
}
