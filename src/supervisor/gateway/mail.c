#include "gateway/mail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/log.h"
#include "reeve/channel.h"
#include "reeve/error.h"

/* Messages taken in one go before others have their turn. */
#define MESSAGES_A_ROUND 64

static const char *const names[ROLES] = {
	[ROLE_CORE] = "core",
	[ROLE_SCRIBE] = "scribe",
	[ROLE_GATEWAY] = "gateway",
};

/* ---- sending ---- */

/* No room is a matter of the other side's time, or of the kernel's memory. */
static bool is_for_now(int error)
{
	return error == -ETIMEDOUT || error == -ENOBUFS || error == -ENOMEM || error == -ETOOMANYREFS;
}

int mail_send(struct peer *peer, const void *message, int fd)
{
	int r;

	if (peer->fd < 0)
		return -EPIPE;
	r = reeve_channel_send(peer->fd, message, message_size(message), &fd, fd >= 0 ? 1 : 0, 0);
	if (!is_for_now(r))
		return r < 0 ? -EPIPE : 0;
	reeve_loop_fd_set_events(peer->source, REEVE_LOOP_READABLE | REEVE_LOOP_WRITABLE);
	return -EAGAIN;
}

static void flush(struct peer *peer)
{
	reeve_loop_fd_set_events(peer->source, REEVE_LOOP_READABLE);
	if (peer->role == ROLE_CORE) {
		watch_flush(peer->gateway);
		requests_flush(peer->gateway);
	} else {
		log_asks_flush(peer->gateway);
	}
}

/* ---- receiving ---- */

/* Receive one. Returns its type, 0 at the end of the channel, or a negative errno; -ETIMEDOUT: no more;
 * -EBADMSG: one that makes no sense, and others may come. What it brought is the caller's, *ret_fd negative: none. */
static int receive(int channel, union message *message, int *ret_fd)
{
	struct reeve_channel_info info;
	int fds[MESSAGE_FDS_MAX];
	ssize_t size;
	int r;

	*ret_fd = -EBADF;
	size = reeve_channel_receive(channel, message, sizeof *message, fds, MESSAGE_FDS_MAX, &info, 0);
	if (size == -EMSGSIZE || size == -EMFILE)
		return -EBADMSG;
	if (size <= 0)
		return (int)size;
	r = message_check(message, (size_t)size, (unsigned)info.descriptor_count);
	for (size_t i = 0; i < info.descriptor_count; i++)
		if (r > 0 && i == 0)
			*ret_fd = fds[i];
		else
			close(fds[i]);
	return r;
}

static void tell_senseless(const char *from, const union message *message, int type)
{
	log_line(LOG_ERROR, "gateway: dropped a message from the %s: %s", from,
		type > 0 ? message_name(message->type) : reeve_error_text(type));
}

static void drop(struct peer *peer)
{
	peer->source = reeve_loop_source_free(peer->source);
	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -EBADF;
}

static void act(struct peer *peer, const union message *message, int type, int fd_consume)
{
	if (peer->role == ROLE_CORE && type == MESSAGE_REPLY) {
		requests_take(peer->gateway, &message->reply, fd_consume);
		return;
	}
	if (peer->role == ROLE_SCRIBE && type == MESSAGE_LOG_FILE) {
		log_asks_take(peer->gateway, &message->log_file, fd_consume);
		return;
	}
	if (fd_consume >= 0)
		close(fd_consume);
	if (peer->role == ROLE_CORE && type == MESSAGE_CHANGED)
		watch_tell_all(peer->gateway);
	else
		tell_senseless(names[peer->role], message, type);
}

/* Take what the role sent, at most `most` messages. */
static void hear(struct peer *peer, unsigned most)
{
	while (peer->fd >= 0 && most-- > 0) {
		union message message;
		int fd, type = receive(peer->fd, &message, &fd);

		if (type == -ETIMEDOUT)
			return;
		if (type > 0)
			act(peer, &message, type, fd);
		else if (type == -EBADMSG)
			tell_senseless(names[peer->role], &message, type);
		else
			drop(peer); /* the keeper starts another one, and tells */
	}
}

static void on_peer(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	struct peer *peer = data;

	if (events & ~(unsigned)REEVE_LOOP_WRITABLE)
		hear(peer, MESSAGES_A_ROUND);
	if (peer->source == source && events & REEVE_LOOP_WRITABLE)
		flush(peer);
}

static int connect_take(struct peer *peer, int channel)
{
	int r;

	drop(peer);
	peer->fd = channel;
	r = reeve_loop_add_fd(
		peer->gateway->loop, channel, REEVE_LOOP_READABLE, on_peer, peer, &peer->source);
	if (r < 0)
		drop(peer);
	return r;
}

/* A new core or scribe. What the old one still said counts. */
static void take_peer(struct gateway *gateway, enum role role, int channel)
{
	struct peer *peer = &gateway->mail->peers[role];
	int r;

	hear(peer, UINT32_MAX);
	r = connect_take(peer, channel);
	if (r < 0) {
		log_line(LOG_ERROR, "gateway: cannot talk to the new %s: %s", names[role],
			reeve_error_text(r));
		return;
	}
	if (role == ROLE_CORE) {
		gateway->mail->watches.told_core = false;
		requests_unsend(gateway);
	} else {
		log_asks_unsend(gateway);
	}
	flush(peer);
	if (role == ROLE_CORE)
		watch_tell_all(gateway);
}

/* ---- the keeper ---- */

static void drop_keeper(struct mail *mail)
{
	mail->keeper_source = reeve_loop_source_free(mail->keeper_source);
	if (mail->keeper >= 0)
		close(mail->keeper);
	mail->keeper = -EBADF;
}

/* It tells of new roles, and by the end of its channel that all is over. */
static void on_keeper(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	struct gateway *gateway = data;
	struct mail *mail = gateway->mail;
	union message message;
	int channel, type = receive(fd, &message, &channel);

	if (type == -ETIMEDOUT)
		return;
	if (type == MESSAGE_PEER_CHANGED && message.peer.role != ROLE_GATEWAY) {
		take_peer(gateway, message.peer.role, channel);
		return;
	}
	if (channel >= 0)
		close(channel);
	if (type > 0 || type == -EBADMSG) {
		tell_senseless("keeper", &message, type);
		return;
	}
	drop_keeper(mail);
	hear(&mail->peers[ROLE_CORE], UINT32_MAX);
	gateway_finish(gateway);
}

int mail_new(struct gateway *gateway, const struct mail_channels *channels)
{
	const int fds[ROLES] = { [ROLE_CORE] = channels->core, [ROLE_SCRIBE] = channels->scribe,
		[ROLE_GATEWAY] = -EBADF };
	struct mail *mail = calloc(1, sizeof *mail);
	int r;

	if (!mail)
		return -ENOMEM;
	gateway->mail = mail;
	mail->keeper = channels->keeper;
	for (enum role role = 0; role < ROLES; role++)
		mail->peers[role] = (struct peer){
			.gateway = gateway, .fd = -EBADF, .role = role };
	r = reeve_loop_add_fd(gateway->loop, channels->keeper, REEVE_LOOP_READABLE, on_keeper, gateway,
		&mail->keeper_source);
	for (enum role role = 0; r == 0 && role < ROLES; role++)
		if (fds[role] >= 0)
			r = connect_take(&mail->peers[role], fds[role]);
	return r;
}

void mail_free(struct gateway *gateway)
{
	struct mail *mail = gateway->mail;

	if (!mail)
		return;
	requests_free(gateway);
	log_asks_free(gateway);
	for (enum role role = 0; role < ROLES; role++)
		drop(&mail->peers[role]);
	drop_keeper(mail);
	free(mail);
	gateway->mail = NULL;
}
