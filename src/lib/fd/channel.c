/* Messages on a channel: one sendmsg(2) or recvmsg(2) each.
 *
 * The calls are made with MSG_DONTWAIT whatever the descriptor's mode, and poll(2) waits: a
 * deadline is then kept also when several threads use one channel. Room for control data is for
 * the most that the kernel can deliver, so that MSG_CTRUNC has one meaning only: descriptors did
 * not fit under RLIMIT_NOFILE. */
#include "reeve/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "lib/base/interrupt.h"
#include "lib/base/sys.h"
#include "lib/fd/socket.h"

#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif

#define DESCRIPTORS_SIZE (REEVE_CHANNEL_DESCRIPTORS_MAX * sizeof(int))

union send_control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(DESCRIPTORS_SIZE)];
};

/* The third is what a foreign SO_PASSPIDFD adds. */
union receive_control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(DESCRIPTORS_SIZE) +
		   CMSG_SPACE(sizeof(int))];
};

/* What the control data of one received message holds; the descriptors still lie there. */
struct received {
	struct ucred sender;
	bool has_sender; /* else it is nobody: never 0, for that is root */
	const unsigned char *descriptors;
	size_t count;
};

int socket_set_credentials(int fd)
{
	const int on = 1;

	return sys_setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 ? -errno : 0;
}

int reeve_channel_pair(int ret[2])
{
	int fds[2], r;

	if (sys_socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	r = socket_set_credentials(fds[0]);
	if (r == 0)
		r = socket_set_credentials(fds[1]);
	if (r < 0) {
		close(fds[0]);
		close(fds[1]);
		return r;
	}
	memcpy(ret, fds, sizeof fds);
	return 0;
}

static int socket_option(int fd, int name, int *ret)
{
	socklen_t size = sizeof *ret;

	return sys_getsockopt(fd, SOL_SOCKET, name, ret, &size) < 0 ? -errno : 0;
}

int reeve_channel_adopt(int fd)
{
	static const struct {
		int name, value;
	} expected[] = {
		{ SO_DOMAIN, AF_UNIX },
		{ SO_TYPE, SOCK_SEQPACKET },
		{ SO_ACCEPTCONN, 0 },
	};
	struct reeve_channel_credentials peer;
	int value, r;

	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		r = socket_option(fd, expected[i].name, &value);
		if (r < 0)
			return r;
		if (value != expected[i].value)
			return -EPROTOTYPE;
	}
	r = reeve_channel_peer(fd, &peer);
	if (r < 0)
		return r == -ENOTCONN ? -EPROTOTYPE : r;
	if (sys_fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return socket_set_credentials(fd);
}

int reeve_channel_peer(int channel, struct reeve_channel_credentials *ret)
{
	struct ucred peer;
	socklen_t size = sizeof peer;

	if (sys_getsockopt(channel, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	if (peer.uid == (uid_t)-1)
		return -ENOTCONN;
	*ret = (struct reeve_channel_credentials){ peer.pid, peer.uid, peer.gid };
	return 0;
}

static void attach_descriptors(
	struct msghdr *message, union send_control *control, const int *descriptors, size_t count)
{
	control->header.cmsg_level = SOL_SOCKET;
	control->header.cmsg_type = SCM_RIGHTS;
	control->header.cmsg_len = CMSG_LEN(count * sizeof(int));
	message->msg_control = control;
	message->msg_controllen = control->header.cmsg_len; /* the last one needs no padding */
	memcpy(CMSG_DATA(&control->header), descriptors, count * sizeof(int));
}

int reeve_channel_send(int channel, const void *data, size_t size, const int *descriptors,
	size_t count, reeve_nsec timeout)
{
	struct iovec part = { .iov_base = (void *)(uintptr_t)data, .iov_len = size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union send_control control;
	reeve_nsec deadline = 0;
	int r;

	if (size == 0 || count > REEVE_CHANNEL_DESCRIPTORS_MAX)
		return -EINVAL;
	r = deadline_from(timeout, &deadline);
	if (r < 0)
		return r;
	if (count > 0)
		attach_descriptors(&message, &control, descriptors, count);
	for (;;) {
		if (sys_sendmsg(channel, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno == ECONNRESET) /* the peer closed with messages unread */
			return -EPIPE;
		if (errno != EAGAIN)
			return -errno;
		if (timeout == 0)
			return -ETIMEDOUT;
		r = wait_fd(channel, POLLOUT, deadline);
		if (r < 0)
			return r;
	}
}

static struct received look_at(struct msghdr *message)
{
	struct received received = { .sender = { 0, (uid_t)-1, (gid_t)-1 } };

	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
		part = CMSG_NXTHDR(message, part)) {
		size_t size = part->cmsg_len - CMSG_LEN(0);
		int pidfd;

		if (part->cmsg_level != SOL_SOCKET)
			continue;
		if (part->cmsg_type == SCM_CREDENTIALS && size == sizeof received.sender) {
			memcpy(&received.sender, CMSG_DATA(part), size);
			received.has_sender = true;
		} else if (part->cmsg_type == SCM_RIGHTS) {
			received.descriptors = CMSG_DATA(part);
			received.count = size / sizeof(int);
		} else if (part->cmsg_type == SCM_PIDFD && size == sizeof pidfd) {
			memcpy(&pidfd, CMSG_DATA(part), sizeof pidfd);
			close_fd(pidfd);
		}
	}
	return received;
}

static void close_received(const struct received *received)
{
	for (size_t i = 0; i < received->count; i++) {
		int fd;

		memcpy(&fd, received->descriptors + i * sizeof fd, sizeof fd);
		close_fd(fd);
	}
}

/* What is wrong with a message: 0 or a negative errno. */
static int judge(ssize_t size, int flags, const struct received *received, size_t room)
{
	if (flags & MSG_CTRUNC)
		return -EMFILE;
	if (flags & MSG_TRUNC || received->count > room)
		return -EMSGSIZE;
	return size == 0 ? -EBADMSG : 0;
}

/* One message, if there is one: its size, 0 when the peer has closed, -EAGAIN. */
static ssize_t receive_now(int channel, struct iovec *part, int *descriptors, size_t room,
	struct reeve_channel_info *ret)
{
	union receive_control control;
	struct msghdr message = {
		.msg_iov = part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control,
	};
	struct received received;
	ssize_t size;
	int r;

	do /* ECONNRESET: the peer closed with messages unread; what it sent is still here */
		size = sys_recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (size < 0 && errno == ECONNRESET);
	if (size < 0)
		return -errno;
	received = look_at(&message);
	if (size == 0 && !received.has_sender && !(message.msg_flags & MSG_CTRUNC) &&
		!received.count)
		return 0;
	r = judge(size, message.msg_flags, &received, room);
	if (r < 0) {
		close_received(&received);
		return r;
	}
	if (received.count > 0)
		memcpy(descriptors, received.descriptors, received.count * sizeof(int));
	if (ret) {
		ret->sender.pid = received.sender.pid;
		ret->sender.uid = received.sender.uid;
		ret->sender.gid = received.sender.gid;
		ret->descriptor_count = received.count;
	}
	return size;
}

ssize_t reeve_channel_receive(int channel, void *data, size_t size, int *descriptors, size_t room,
	struct reeve_channel_info *ret, reeve_nsec timeout)
{
	struct iovec part = { .iov_base = data, .iov_len = size };
	reeve_nsec deadline = 0;
	int r;

	if (size == 0 || (room > 0 && (!descriptors || !ret)))
		return -EINVAL;
	r = deadline_from(timeout, &deadline);
	if (r < 0)
		return r;
	for (;;) {
		ssize_t received = receive_now(channel, &part, descriptors, room, ret);

		if (received != -EAGAIN)
			return received;
		if (timeout == 0)
			return -ETIMEDOUT;
		r = wait_fd(channel, POLLIN, deadline);
		if (r < 0)
			return r;
	}
}
